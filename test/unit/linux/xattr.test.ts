/**
 * Both ways to attributes, the *xattrat calls (when the kernel has them) and the paths through /proc, are held to the
 * same behaviour.
 */

import { symlinkSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  E2BIG,
  EBADF,
  EEXIST,
  EINVAL,
  ENODATA,
  ENOENT,
  EOPNOTSUPP,
  EPERM,
  ERANGE,
} from '../../../src/errno/errno.js';
import {
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  XATTR_CREATE,
  XATTR_REPLACE,
} from '../../../src/linux/constants.js';
import { mkdirat } from '../../../src/linux/files/directory.js';
import { openat } from '../../../src/linux/files/open.js';
import {
  fgetxattr,
  flistxattr,
  fremovexattr,
  fsetxattr,
  getxattrAt,
  listxattrAt,
  removexattrAt,
  setxattrAt,
} from '../../../src/linux/files/xattr.js';
import * as byPath from '../../../src/linux/files/xattr-path.js';
import { CAP_SYS_ADMIN, hasCapability } from '../../../src/linux/process/process.js';
import { closing, newFile, tempDirectory } from './temp-directory.js';

const ways = {
  at: { get: getxattrAt, set: setxattrAt, list: listxattrAt, remove: removexattrAt },
  'path through /proc': {
    get: byPath.getxattr,
    set: byPath.setxattr,
    list: byPath.listxattr,
    remove: byPath.removexattr,
  },
};

const none = new Uint8Array(0);
const text = (value: string): Buffer => Buffer.from(value, 'latin1');

describe.each(Object.entries(ways))('xattr %s', (_, way) => {
  test('sets, gets, lists and removes by name of any bytes', () => {
    const dir = tempDirectory();
    newFile(dir, 'f\xff');
    const value = text('v\0\x80\xff');
    expect(way.set(dir.fd, 'f\xff', 'user.k\xe9', value, 0)).toBe(0);
    const into = Buffer.alloc(64);
    expect(way.get(dir.fd, 'f\xff', 'user.k\xe9', into)).toBe(4);
    expect(into.subarray(0, 4)).toEqual(value);
    expect(way.list(dir.fd, 'f\xff', into)).toBe(8);
    expect(into.toString('latin1', 0, 8)).toBe('user.k\xe9\0');
    expect(way.remove(dir.fd, 'f\xff', 'user.k\xe9')).toBe(0);
    expect(way.get(dir.fd, 'f\xff', 'user.k\xe9', into)).toBe(-ENODATA);
    expect(way.remove(dir.fd, 'f\xff', 'user.k\xe9')).toBe(-ENODATA);
    expect(way.list(dir.fd, 'f\xff', into)).toBe(0);
  });

  test('values use a view from its own start; a zero length asks for the length', () => {
    const dir = tempDirectory();
    newFile(dir, 'f');
    expect(way.set(dir.fd, 'f', 'user.a', text('..abc..').subarray(2, 5), 0)).toBe(0);
    expect(way.get(dir.fd, 'f', 'user.a', none)).toBe(3);
    expect(way.list(dir.fd, 'f', none)).toBe(7);
    const into = Buffer.alloc(8, '-');
    expect(way.get(dir.fd, 'f', 'user.a', into.subarray(2, 5))).toBe(3);
    expect(into.toString()).toBe('--abc---');
    expect(way.get(dir.fd, 'f', 'user.a', into.subarray(0, 2))).toBe(-ERANGE);
    expect(way.set(dir.fd, 'f', 'user.empty', none, 0)).toBe(0);
    expect(way.get(dir.fd, 'f', 'user.empty', into)).toBe(0);
  });

  test('XATTR_CREATE and XATTR_REPLACE are kept', () => {
    const dir = tempDirectory();
    newFile(dir, 'f');
    expect(way.set(dir.fd, 'f', 'user.a', text('1'), XATTR_REPLACE)).toBe(-ENODATA);
    expect(way.set(dir.fd, 'f', 'user.a', text('1'), XATTR_CREATE)).toBe(0);
    expect(way.set(dir.fd, 'f', 'user.a', text('2'), XATTR_CREATE)).toBe(-EEXIST);
    expect(way.set(dir.fd, 'f', 'user.a', text('2'), XATTR_REPLACE)).toBe(0);
  });

  test('a symlink is not followed, by name or by O_PATH descriptor', () => {
    const dir = tempDirectory();
    newFile(dir, 'f');
    symlinkSync('f', `${dir.path}/l`);
    way.set(dir.fd, 'f', 'user.a', text('target'), 0);
    const into = Buffer.alloc(64);
    // The kernel allows no user.* on a symlink.
    expect([-ENODATA, -EOPNOTSUPP, -EPERM]).toContain(way.get(dir.fd, 'l', 'user.a', into));
    const link = closing(openat(dir.fd, 'l', O_PATH | O_NOFOLLOW));
    if (hasCapability(CAP_SYS_ADMIN)) {
      expect(way.set(dir.fd, 'l', 'trusted.l', text('link'), 0)).toBe(0);
      expect(way.get(link, '', 'trusted.l', into)).toBe(4);
      expect(way.set(link, '', 'trusted.m', text('m'), 0)).toBe(0);
      expect(way.get(dir.fd, 'l', 'trusted.m', into)).toBe(1);
      expect(way.get(dir.fd, 'f', 'trusted.l', into)).toBe(-ENODATA);
      expect(way.remove(link, '', 'trusted.m')).toBe(0);
    }
    expect(way.list(link, '', into)).toBe(hasCapability(CAP_SYS_ADMIN) ? 'trusted.l\0'.length : 0);
  });

  test("name '' means what the descriptor names: open file, O_PATH file, directory", () => {
    const dir = tempDirectory();
    const file = newFile(dir, 'f');
    mkdirat(dir.fd, 'd', 0o700);
    const fds = [
      file,
      closing(openat(dir.fd, 'f', O_PATH)),
      closing(openat(dir.fd, 'd', O_RDONLY | O_DIRECTORY)),
      closing(openat(dir.fd, 'd', O_PATH)),
    ];
    const into = Buffer.alloc(64);
    for (const fd of fds) {
      expect(way.set(fd, '', 'user.b', text('val'), 0)).toBe(0);
      expect(way.get(fd, '', 'user.b', into)).toBe(3);
      expect(way.list(fd, '', into)).toBe(7);
      expect(way.remove(fd, '', 'user.b')).toBe(0);
      expect(way.get(fd, '', 'user.b', into)).toBe(-ENODATA);
    }
  });

  test('errors are negated errnos', () => {
    const dir = tempDirectory();
    newFile(dir, 'f');
    const into = Buffer.alloc(16);
    expect(way.get(dir.fd, 'none', 'user.a', into)).toBe(-ENOENT);
    expect(way.get(dir.fd, 'f', 'nonsense', into)).toBe(-EOPNOTSUPP);
    expect(way.get(dir.fd, 'f', 'user.\0', into)).toBe(-EINVAL);
    expect(way.get(dir.fd, 'f', `user.${'x'.repeat(300)}`, into)).toBe(-ERANGE);
    expect(way.set(dir.fd, 'f', 'user.a', new Uint8Array(65537), 0)).toBe(-E2BIG);
    expect(way.get(999_999, '', 'user.a', into)).toBe(-EBADF);
    expect(way.list(999_999, '', into)).toBe(-EBADF);
    expect(way.remove(-1, '', 'user.a')).toBe(-EBADF);
  });
});

test('the f*xattr calls work on an open file', () => {
  const fd = newFile(tempDirectory(), 'f');
  const into = Buffer.alloc(16);
  expect(fsetxattr(fd, 'user.a', text('xyz').subarray(1), 0)).toBe(0);
  expect(fgetxattr(fd, 'user.a', into)).toBe(2);
  expect(into.toString('latin1', 0, 2)).toBe('yz');
  expect(flistxattr(fd, into)).toBe(7);
  expect(fremovexattr(fd, 'user.a')).toBe(0);
  expect(fgetxattr(fd, 'user.a', into)).toBe(-ENODATA);
  expect(fgetxattr(fd, 'user.\0', into)).toBe(-EINVAL);
  expect(flistxattr(-1, into)).toBe(-EBADF);
});
