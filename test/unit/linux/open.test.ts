import { readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  EBADF,
  EEXIST,
  EINVAL,
  ELOOP,
  ENAMETOOLONG,
  ENOENT,
  ENOTDIR,
  EXDEV,
} from '../../../src/errno/errno.js';
import {
  AT_FDCWD,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_TMPFILE,
  O_WRONLY,
  RESOLVE_BENEATH,
  RESOLVE_NO_SYMLINKS,
} from '../../../src/linux/constants.js';
import { umask } from '../../../src/linux/files/inode.js';
import { close, dup, openat, openat2 } from '../../../src/linux/files/open.js';
import { fstatx, Statx } from '../../../src/linux/files/statx.js';
import { closing, newFile, tempDirectory } from './temp-directory.js';

const CLOEXEC_BIT = 0o2000000;

function flagsOf(fd: number): number {
  const info = readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
  return Number.parseInt(/flags:\s*(\d+)/.exec(info)![1]!, 8);
}

test('openat() opens names of any bytes, the same ones that the disk has', () => {
  const dir = tempDirectory();
  const bytes = Array.from({ length: 0xff }, (_, i) => i + 1).filter((byte) => byte !== 0x2f);
  const name = String.fromCharCode(...bytes).slice(0, 255);
  const fd = newFile(dir, name);
  expect(readlinkSync(`/proc/self/fd/${fd}`, 'latin1')).toContain(name.slice(0, 9));
  writeFileSync(Buffer.concat([Buffer.from(`${dir.path}/`), Buffer.from('n\x80\xff', 'latin1')]), 'x');
  closing(openat(dir.fd, 'n\x80\xff', O_RDONLY));
  closing(openat(dir.fd, name, O_RDONLY));
});

test('openat() gives negated errnos and never throws', () => {
  const dir = tempDirectory();
  newFile(dir, 'f');
  expect(openat(dir.fd, 'none', O_RDONLY)).toBe(-ENOENT);
  expect(openat(dir.fd, 'f', O_CREAT | O_EXCL | O_WRONLY, 0o600)).toBe(-EEXIST);
  expect(openat(dir.fd, 'f/x', O_RDONLY)).toBe(-ENOTDIR);
  expect(openat(dir.fd, 'f', O_RDONLY | O_DIRECTORY)).toBe(-ENOTDIR);
  expect(openat(-1, 'f', O_RDONLY)).toBe(-EBADF);
  expect(openat(dir.fd, 'f\0', O_RDONLY)).toBe(-EINVAL);
  expect(openat(dir.fd, 'x'.repeat(256), O_RDONLY)).toBe(-ENAMETOOLONG);
  expect(openat(dir.fd, 'x'.repeat(8192), O_RDONLY)).toBe(-ENAMETOOLONG);
  expect(openat(dir.fd, '', O_RDONLY)).toBe(-ENOENT);
});

test('a shorter name after a longer one does not keep its tail', () => {
  const dir = tempDirectory();
  newFile(dir, 'ab');
  expect(openat(dir.fd, 'abcdef', O_RDONLY)).toBe(-ENOENT);
  closing(openat(dir.fd, 'ab', O_RDONLY));
});

test('openat() applies the mode, with large flags too', () => {
  const dir = tempDirectory();
  const before = umask(0);
  const fd = closing(openat(dir.fd, '.', O_TMPFILE | O_WRONLY, 0o4751));
  umask(before);
  const st = new Statx();
  fstatx(fd, 0x7ff, st);
  expect(st.mode).toBe(0o104751);
});

test('every descriptor is close-on-exec', () => {
  const dir = tempDirectory();
  const fd = newFile(dir, 'f');
  for (const each of [fd, closing(openat2(dir.fd, 'f', O_RDONLY, 0, 0)), closing(dup(fd))]) {
    expect(flagsOf(each) & CLOEXEC_BIT).toBe(CLOEXEC_BIT);
  }
});

test('openat2() keeps paths beneath the directory and off symlinks', () => {
  const dir = tempDirectory();
  newFile(dir, 'f');
  symlinkSync('/etc', `${dir.path}/out`);
  symlinkSync('f', `${dir.path}/in`);
  expect(openat2(dir.fd, '../x', O_RDONLY, 0, RESOLVE_BENEATH)).toBe(-EXDEV);
  expect(openat2(dir.fd, 'out/passwd', O_RDONLY, 0, RESOLVE_BENEATH)).toBe(-EXDEV);
  expect(openat2(dir.fd, 'in', O_RDONLY, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS)).toBe(-ELOOP);
  closing(openat2(dir.fd, 'in', O_RDONLY, 0, RESOLVE_BENEATH));
  closing(openat2(dir.fd, 'in', O_PATH | O_NOFOLLOW, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS));
  closing(openat2(dir.fd, 'new', O_CREAT | O_WRONLY, 0o600, RESOLVE_BENEATH));
  expect(openat2(dir.fd, 'f', O_RDONLY, 0o600, 0)).toBe(-EINVAL);
  expect(openat2(dir.fd, 'f', O_RDONLY, 0, 0x8000)).toBe(-EINVAL);
});

test('close() and dup() of what is not open give EBADF', () => {
  const fd = openat(AT_FDCWD, '/', O_PATH);
  expect(close(fd)).toBe(0);
  expect(close(fd)).toBe(-EBADF);
  expect(dup(-1)).toBe(-EBADF);
});
