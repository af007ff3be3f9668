import { readFileSync, symlinkSync } from 'node:fs';
import { expect, test } from 'vitest';
import { EBADF, EINVAL, ENOENT, EOPNOTSUPP } from '../../../src/errno/errno.js';
import {
  AT_EMPTY_PATH,
  AT_SYMLINK_NOFOLLOW,
  O_NOFOLLOW,
  O_PATH,
  STATX_BASIC_STATS,
  UTIME_NOW,
  UTIME_OMIT,
} from '../../../src/linux/constants.js';
import {
  fchmod,
  fchmodat,
  fchmodatThroughProc,
  fchownat,
  ftruncate,
  Times,
  umask,
  utimensat,
} from '../../../src/linux/files/inode.js';
import { openat } from '../../../src/linux/files/open.js';
import { Statx, statx } from '../../../src/linux/files/statx.js';
import { CAP_CHOWN, hasCapability } from '../../../src/linux/process/process.js';
import { closing, newFile, ok, tempDirectory } from './temp-directory.js';

function stat(dirfd: number, name: string): Statx {
  const st = new Statx();
  ok(statx(dirfd, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, st));
  return st;
}

const chmods = { fchmodat, fchmodatThroughProc };

test.each(
  Object.entries(chmods),
)('%s() changes a name or an O_PATH descriptor and never follows a symlink', (_, chmod) => {
  const dir = tempDirectory();
  newFile(dir, 'f', 0o600);
  symlinkSync('f', `${dir.path}/l`);
  expect(chmod(dir.fd, 'f', 0o4711)).toBe(0);
  expect(stat(dir.fd, 'f').mode & 0o7777).toBe(0o4711);
  expect(chmod(closing(openat(dir.fd, 'f', O_PATH)), '', 0o640)).toBe(0);
  expect(stat(dir.fd, 'f').mode & 0o7777).toBe(0o640);
  expect(chmod(dir.fd, 'l', 0o777)).toBe(-EOPNOTSUPP);
  expect(stat(dir.fd, 'f').mode & 0o7777).toBe(0o640);
  expect(chmod(dir.fd, 'none', 0o777)).toBe(-ENOENT);
  expect(chmod(dir.fd, 'f\0', 0o777)).toBe(-EINVAL);
});

test('fchmod() changes an open file, not an O_PATH descriptor', () => {
  const dir = tempDirectory();
  expect(fchmod(newFile(dir, 'f', 0o600), 0o755)).toBe(0);
  expect(stat(dir.fd, 'f').mode & 0o777).toBe(0o755);
  expect(fchmod(closing(openat(dir.fd, 'f', O_PATH)), 0o600)).toBe(-EBADF);
});

test.runIf(hasCapability(CAP_CHOWN))('fchownat() takes ids up to 2^32-2, and -1 for no change', () => {
  const dir = tempDirectory();
  newFile(dir, 'f');
  symlinkSync('f', `${dir.path}/l`);
  expect(fchownat(dir.fd, 'f', 0xfffffffe, 1000, 0)).toBe(0);
  expect(fchownat(dir.fd, 'f', -1, 3_000_000_000, AT_SYMLINK_NOFOLLOW)).toBe(0);
  expect([stat(dir.fd, 'f').uid, stat(dir.fd, 'f').gid]).toEqual([0xfffffffe, 3_000_000_000]);
  expect(fchownat(dir.fd, 'l', 7, -1, AT_SYMLINK_NOFOLLOW)).toBe(0);
  expect([stat(dir.fd, 'l').uid, stat(dir.fd, 'f').uid]).toEqual([7, 0xfffffffe]);
  const link = closing(openat(dir.fd, 'l', O_PATH | O_NOFOLLOW));
  expect(fchownat(link, '', 8, 9, AT_EMPTY_PATH)).toBe(0);
  expect([stat(dir.fd, 'l').uid, stat(dir.fd, 'l').gid]).toEqual([8, 9]);
});

test.each([
  [-1, 999_999_999],
  [-2_000_000_000, 1],
  [0, 0],
  [2 ** 32 + 7, 123_456_789],
])('utimensat() keeps %d s %d ns', (sec, nsec) => {
  const dir = tempDirectory();
  newFile(dir, 'f');
  const times = new Times();
  times.atimeSec = sec;
  times.atimeNsec = nsec;
  times.mtimeSec = sec + 1;
  times.mtimeNsec = 5;
  expect(utimensat(dir.fd, 'f', times, 0)).toBe(0);
  const st = stat(dir.fd, 'f');
  expect([st.atimeSec, st.atimeNsec, st.mtimeSec, st.mtimeNsec]).toEqual([sec, nsec, sec + 1, 5]);
});

test('utimensat() omits, takes the present, and reaches a symlink by O_PATH descriptor', () => {
  const dir = tempDirectory();
  newFile(dir, 'f');
  symlinkSync('f', `${dir.path}/l`);
  const times = new Times();
  times.atimeSec = -5;
  times.mtimeSec = -6;
  expect(utimensat(closing(openat(dir.fd, 'l', O_PATH | O_NOFOLLOW)), '', times, AT_EMPTY_PATH)).toBe(0);
  expect([stat(dir.fd, 'l').atimeSec, stat(dir.fd, 'l').mtimeSec]).toEqual([-5, -6]);
  expect(utimensat(dir.fd, 'f', times, AT_SYMLINK_NOFOLLOW)).toBe(0);
  times.atimeNsec = UTIME_OMIT;
  times.mtimeNsec = UTIME_NOW;
  expect(utimensat(dir.fd, 'f', times, 0)).toBe(0);
  expect(stat(dir.fd, 'f').atimeSec).toBe(-5);
  expect(Math.abs(stat(dir.fd, 'f').mtimeSec - Date.now() / 1000)).toBeLessThan(60);
  times.atimeNsec = 1_000_000_000;
  expect(utimensat(dir.fd, 'f', times, 0)).toBe(-EINVAL);
});

test('ftruncate() sets sizes beyond 32 bits and refuses negative ones', () => {
  const dir = tempDirectory();
  const fd = newFile(dir, 'f');
  expect(ftruncate(fd, 2 ** 35 + 1)).toBe(0);
  expect(stat(dir.fd, 'f').sizeBytes).toBe(2 ** 35 + 1);
  expect(ftruncate(fd, -1)).toBe(-EINVAL);
});

test('umask() gives the mask before', () => {
  const before = umask(0o27);
  expect(umask(before)).toBe(0o27);
  expect(readFileSync('/proc/self/status', 'utf8')).toMatch(
    new RegExp(`Umask:\\s*0*${before.toString(8)}\n`),
  );
});
