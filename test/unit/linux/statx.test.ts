import { lstatSync, statfsSync, symlinkSync, truncateSync } from 'node:fs';
import { expect, test } from 'vitest';
import { EBADF, ENOENT } from '../../../src/errno/errno.js';
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  O_NOFOLLOW,
  O_PATH,
  S_IFCHR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  STATX_BASIC_STATS,
  STATX_BTIME,
  STATX_MNT_ID,
} from '../../../src/linux/constants.js';
import { openat } from '../../../src/linux/files/open.js';
import { fstatfs, StatFsResult } from '../../../src/linux/files/statfs.js';
import { fstatx, Statx, statx } from '../../../src/linux/files/statx.js';
import { closing, newFile, tempDirectory } from './temp-directory.js';

const ALL = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID;

test('statx() says of a file what lstat says', () => {
  const dir = tempDirectory();
  newFile(dir, 'f\xe9', 0o640);
  const path = Buffer.concat([Buffer.from(`${dir.path}/`), Buffer.from('f\xe9', 'latin1')]);
  truncateSync(path, 2 ** 33 + 5);
  const st = new Statx();
  expect(statx(dir.fd, 'f\xe9', AT_SYMLINK_NOFOLLOW, ALL, st)).toBe(0);
  const expected = lstatSync(path, { bigint: true });
  expect(st.mask & ALL).toBe(ALL);
  expect(BigInt(st.mode)).toBe(expected.mode);
  expect(BigInt(st.ino)).toBe(expected.ino);
  expect(BigInt(st.nlink)).toBe(expected.nlink);
  expect(BigInt(st.uid)).toBe(expected.uid);
  expect(BigInt(st.gid)).toBe(expected.gid);
  expect(st.sizeBytes).toBe(2 ** 33 + 5);
  expect(BigInt(st.blocks)).toBe(expected.blocks);
  expect(BigInt(st.blksize)).toBe(expected.blksize);
  for (const time of ['atime', 'mtime', 'ctime'] as const) {
    expect(BigInt(st[`${time}Sec`]) * 10n ** 9n + BigInt(st[`${time}Nsec`])).toBe(expected[`${time}Ns`]);
  }
  expect(BigInt(st.btimeSec) * 10n ** 9n + BigInt(st.btimeNsec)).toBe(expected.birthtimeNs);
  // st_dev as glibc encodes it: the low 8 bits of minor, 12 of major, the rest of minor.
  expect((st.devMajor << 8) | (st.devMinor & 0xff)).toBe(Number(expected.dev & 0xfffffn));
});

test('statx() gives major and minor of a device', () => {
  const st = new Statx();
  expect(statx(AT_FDCWD, '/dev/null', 0, STATX_BASIC_STATS, st)).toBe(0);
  expect([st.mode & S_IFMT, st.rdevMajor, st.rdevMinor]).toEqual([S_IFCHR, 1, 3]);
});

test('statx() follows a symlink only without AT_SYMLINK_NOFOLLOW; fstatx() sees the symlink of an O_PATH descriptor', () => {
  const dir = tempDirectory();
  newFile(dir, 'f');
  symlinkSync('f', `${dir.path}/l`);
  const st = new Statx();
  statx(dir.fd, 'l', 0, STATX_BASIC_STATS, st);
  expect(st.mode & S_IFMT).toBe(S_IFREG);
  statx(dir.fd, 'l', AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, st);
  expect(st.mode & S_IFMT).toBe(S_IFLNK);
  const link = closing(openat(dir.fd, 'l', O_PATH | O_NOFOLLOW));
  expect(fstatx(link, STATX_BASIC_STATS, st)).toBe(0);
  expect(st.mode & S_IFMT).toBe(S_IFLNK);
});

test('statx() and fstatx() give negated errnos', () => {
  const st = new Statx();
  expect(statx(tempDirectory().fd, 'none', 0, STATX_BASIC_STATS, st)).toBe(-ENOENT);
  expect(fstatx(-1, STATX_BASIC_STATS, st)).toBe(-EBADF);
});

test('fstatfs() agrees with statfs of Node, on O_PATH too', () => {
  const dir = tempDirectory();
  const result = new StatFsResult();
  expect(fstatfs(closing(openat(dir.fd, '.', O_PATH)), result)).toBe(0);
  const expected = statfsSync(dir.path);
  expect([result.type, result.bsize, result.blocks, result.files]).toEqual([
    expected.type,
    expected.bsize,
    expected.blocks,
    expected.files,
  ]);
  expect(result.namelen).toBe(255);
  expect(result.frsize).toBeGreaterThan(0);
  expect(fstatfs(-1, result)).toBe(-EBADF);
});
