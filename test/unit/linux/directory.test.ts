import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { EEXIST, EINVAL, ENAMETOOLONG, ENOENT, ENOTDIR, ENOTEMPTY } from '../../../src/errno/errno.js';
import {
  AT_EMPTY_PATH,
  AT_REMOVEDIR,
  AT_SYMLINK_NOFOLLOW,
  DT_DIR,
  DT_LNK,
  DT_REG,
  O_NOFOLLOW,
  O_PATH,
  O_RDWR,
  O_TMPFILE,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  S_IFCHR,
  S_IFIFO,
  S_IFMT,
  STATX_BASIC_STATS,
} from '../../../src/linux/constants.js';
import { lseek } from '../../../src/linux/files/data.js';
import {
  forEachDirent,
  getdents64,
  linkat,
  mkdirat,
  mknodat,
  readlinkat,
  renameat2,
  symlinkat,
  unlinkat,
} from '../../../src/linux/files/directory.js';
import { openat } from '../../../src/linux/files/open.js';
import { Statx, statx } from '../../../src/linux/files/statx.js';
import { CAP_DAC_READ_SEARCH, CAP_MKNOD, hasCapability } from '../../../src/linux/process/process.js';
import { closing, newFile, ok, tempDirectory } from './temp-directory.js';

function stat(dirfd: number, name: string): Statx {
  const st = new Statx();
  ok(statx(dirfd, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, st));
  return st;
}

test('mkdirat() and unlinkat() make and remove directories', () => {
  const dir = tempDirectory();
  expect(mkdirat(dir.fd, 'd\xc3', 0o750)).toBe(0);
  expect(mkdirat(dir.fd, 'd\xc3', 0o750)).toBe(-EEXIST);
  expect(stat(dir.fd, 'd\xc3').mode & 0o777).toBe(0o750);
  expect(mkdirat(dir.fd, 'd\xc3/e', 0o700)).toBe(0);
  expect(unlinkat(dir.fd, 'd\xc3', AT_REMOVEDIR)).toBe(-ENOTEMPTY);
  expect(unlinkat(dir.fd, 'd\xc3/e', AT_REMOVEDIR)).toBe(0);
  expect(unlinkat(dir.fd, 'd\xc3', AT_REMOVEDIR)).toBe(0);
  expect(unlinkat(dir.fd, 'd\xc3', 0)).toBe(-ENOENT);
});

test('mknodat() makes whiteouts and fifos', () => {
  const dir = tempDirectory();
  expect(mknodat(dir.fd, 'gone', S_IFCHR, 0, 0)).toBe(0);
  expect(mknodat(dir.fd, 'fifo', S_IFIFO | 0o600, 0, 0)).toBe(0);
  const whiteout = stat(dir.fd, 'gone');
  expect([whiteout.mode & S_IFMT, whiteout.rdevMajor, whiteout.rdevMinor]).toEqual([S_IFCHR, 0, 0]);
  expect(stat(dir.fd, 'fifo').mode & S_IFMT).toBe(S_IFIFO);
});

test.runIf(hasCapability(CAP_MKNOD))('mknodat() encodes major and minor beyond 8 bits', () => {
  const dir = tempDirectory();
  expect(mknodat(dir.fd, 'dev', S_IFCHR | 0o600, 0xabc, 0xfedcb)).toBe(0);
  const device = stat(dir.fd, 'dev');
  expect([device.rdevMajor, device.rdevMinor]).toEqual([0xabc, 0xfedcb]);
});

test('renameat2() renames, refuses to replace, and exchanges', () => {
  const dir = tempDirectory();
  writeFileSync(`${dir.path}/a`, 'A');
  writeFileSync(`${dir.path}/b`, 'B');
  expect(renameat2(dir.fd, 'a', dir.fd, 'b', RENAME_NOREPLACE)).toBe(-EEXIST);
  expect(renameat2(dir.fd, 'a', dir.fd, 'b', RENAME_EXCHANGE)).toBe(0);
  expect(readFileSync(`${dir.path}/b`, 'utf8')).toBe('A');
  expect(renameat2(dir.fd, 'b', dir.fd, 'a', 0)).toBe(0);
  expect(readdirSync(dir.path)).toEqual(['a']);
  expect(renameat2(dir.fd, 'b', dir.fd, 'a', 0)).toBe(-ENOENT);
  expect(renameat2(dir.fd, 'a', dir.fd, 'a\0b', 0)).toBe(-EINVAL);
});

test('linkat() links by name and, when privileged, a file without a name', () => {
  const dir = tempDirectory();
  newFile(dir, 'a');
  expect(linkat(dir.fd, 'a', dir.fd, 'b', 0)).toBe(0);
  expect(stat(dir.fd, 'b').nlink).toBe(2);
  const unnamed = closing(openat(dir.fd, '.', O_TMPFILE | O_RDWR, 0o600));
  const expected = hasCapability(CAP_DAC_READ_SEARCH) ? 0 : -ENOENT;
  expect(linkat(unnamed, '', dir.fd, 'c', AT_EMPTY_PATH)).toBe(expected);
});

test('symlinkat() and readlinkat() keep every byte of the content', () => {
  const dir = tempDirectory();
  const content = `/x\x80\xff${'y'.repeat(4000)}`;
  expect(symlinkat(content, dir.fd, 'l')).toBe(0);
  expect(readlinkat(dir.fd, 'l')).toBe(content);
  expect(readlinkat(closing(openat(dir.fd, 'l', O_PATH | O_NOFOLLOW)), '')).toBe(content);
  expect(symlinkat('x'.repeat(4096), dir.fd, 'm')).toBe(-ENAMETOOLONG);
  expect(readlinkat(dir.fd, 'none')).toBe(-ENOENT);
  newFile(dir, 'f');
  expect(readlinkat(dir.fd, 'f')).toBe(-EINVAL);
});

test('getdents64() with forEachDirent() lists all names, types and inodes, in pieces', () => {
  const dir = tempDirectory();
  const expected = new Map<string, number>();
  for (let i = 0; i < 100; i++) {
    const name = `n\xfe${i}`;
    newFile(dir, name);
    expected.set(name, DT_REG);
  }
  mkdirat(dir.fd, '.hidden', 0o700);
  expected.set('.hidden', DT_DIR);
  symlinkat('x', dir.fd, '...');
  expected.set('...', DT_LNK);
  const buffer = Buffer.alloc(512);
  const seen = new Map<string, number>();
  for (;;) {
    const length = ok(getdents64(dir.fd, buffer));
    if (length === 0) break;
    forEachDirent(buffer, length, (name, ino, type) => {
      seen.set(name, type);
      expect(ino).toBe(stat(dir.fd, name).ino);
    });
  }
  expect(seen).toEqual(expected);
  ok(lseek(dir.fd, 0, 0));
  expect(getdents64(dir.fd, Buffer.alloc(16))).toBe(-EINVAL);
  expect(getdents64(newFile(dir, 'f'), buffer)).toBe(-ENOTDIR);
});
