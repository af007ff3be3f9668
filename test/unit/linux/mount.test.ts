/**
 * Mounts by descriptor, on this machine's kernel. Without CAP_SYS_ADMIN the calls must say EPERM instead.
 */

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { EBADF, EINVAL, ENODEV, ENOENT, ENOSPC, EPERM, EROFS } from '../../../src/errno/errno.js';
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  MNT_DETACH,
  MOVE_MOUNT_F_EMPTY_PATH,
  MS_NODEV,
  MS_SHARED,
  O_CREAT,
  O_DIRECTORY,
  O_RDONLY,
  O_RDWR,
  STATX_BASIC_STATS,
  UMOUNT_NOFOLLOW,
} from '../../../src/linux/constants.js';
import { pread, pwrite } from '../../../src/linux/files/data.js';
import { forEachDirent, getdents64, mkdirat, unlinkat } from '../../../src/linux/files/directory.js';
import { fchmodat, Times, utimensat } from '../../../src/linux/files/inode.js';
import { close, openat } from '../../../src/linux/files/open.js';
import { fstatfs, StatFsResult } from '../../../src/linux/files/statfs.js';
import { Statx, statx } from '../../../src/linux/files/statx.js';
import { setxattrAt } from '../../../src/linux/files/xattr.js';
import {
  clonePrivate,
  fsconfigCreate,
  fsconfigString,
  fsmount,
  fsopen,
  mount,
  moveMount,
  openTree,
  privateTmpfs,
  umount2,
} from '../../../src/linux/mounts/mount.js';
import { CAP_SYS_ADMIN, hasCapability } from '../../../src/linux/process/process.js';
import { compileLinux } from './compiled.js';
import { closing, newFile, ok, type TempDirectory, tempDirectory } from './temp-directory.js';

const TMPFS_MAGIC = 0x01021994;
const ST_RDONLY = 0x1;
const ST_NOATIME = 0x400;
const privileged = hasCapability(CAP_SYS_ADMIN);
const mounts = (): string => readFileSync('/proc/self/mountinfo', 'utf8');

function typeOf(fd: number): number {
  const result = new StatFsResult();
  ok(fstatfs(fd, result));
  return result.type;
}

/** Gives the file an atime before its mtime, so that relatime would update it, reads it, and tells the atime after. */
function atimeAfterRead(dir: TempDirectory, through: number): number {
  const times = new Times();
  times.atimeSec = 1000;
  times.mtimeSec = 2000;
  ok(utimensat(dir.fd, 'f', times, 0));
  const fd = closing(openat(through, 'f', O_RDONLY));
  expect(pread(fd, Buffer.alloc(4), 0)).toBe(4);
  const st = new Statx();
  ok(statx(dir.fd, 'f', 0, STATX_BASIC_STATS, st));
  return st.atimeSec;
}

describe.runIf(privileged)('with CAP_SYS_ADMIN', () => {
  test('clonePrivate(read-only) refuses every write with EROFS and leaves atime as it is', () => {
    const dir = tempDirectory();
    writeFileSync(`${dir.path}/f`, 'data');
    const clone = closing(clonePrivate(dir.fd, { readOnly: true }));
    expect(openat(clone, 'f', O_RDWR)).toBe(-EROFS);
    expect(openat(clone, 'new', O_RDWR | O_CREAT, 0o600)).toBe(-EROFS);
    expect(mkdirat(clone, 'd', 0o700)).toBe(-EROFS);
    expect(unlinkat(clone, 'f', 0)).toBe(-EROFS);
    expect(fchmodat(clone, 'f', 0o777)).toBe(-EROFS);
    expect(utimensat(clone, 'f', new Times(), AT_SYMLINK_NOFOLLOW)).toBe(-EROFS);
    expect(setxattrAt(clone, 'f', 'user.a', Buffer.from('x'), 0)).toBe(-EROFS);
    expect(atimeAfterRead(dir, clone)).toBe(1000);
    const found = new StatFsResult();
    ok(fstatfs(clone, found));
    expect(found.flags & (ST_RDONLY | ST_NOATIME)).toBe(ST_RDONLY | ST_NOATIME);
  });

  test('the atime check sees an atime change where nothing prevents it', () => {
    const dir = tempDirectory();
    writeFileSync(`${dir.path}/f`, 'data');
    // Through a mount of the test's own, since /tmp itself may be mounted noatime.
    const tmpfs = closing(privateTmpfs({}));
    ok(close(ok(openat(tmpfs, 'f', O_RDWR | O_CREAT, 0o600))));
    const fd = closing(openat(tmpfs, 'f', O_RDWR));
    pwrite(fd, Buffer.from('data'), 0);
    expect(atimeAfterRead({ path: '', fd: tmpfs }, tmpfs)).not.toBe(1000);
  });

  test('clonePrivate(writable) writes to the original', () => {
    const dir = tempDirectory();
    const clone = closing(clonePrivate(dir.fd, { readOnly: false }));
    expect(pwrite(closing(openat(clone, 'new', O_RDWR | O_CREAT, 0o600)), Buffer.from('hi'), 0)).toBe(2);
    expect(readFileSync(`${dir.path}/new`, 'utf8')).toBe('hi');
  });

  test('a clone of a shared mount is no peer of it: mounts made later do not show, even once it is attached', () => {
    const dir = tempDirectory();
    ok(mkdirat(dir.fd, 'original', 0o700));
    ok(mkdirat(dir.fd, 'attached', 0o700));
    const [original, attached] = [`${dir.path}/original`, `${dir.path}/attached`];
    ok(mount('outer', original, 'tmpfs', 0, ''));
    try {
      ok(mount('', original, '', MS_SHARED, ''));
      const outer = ok(openat(AT_FDCWD, original, O_RDONLY | O_DIRECTORY));
      const clone = ok(clonePrivate(outer, { readOnly: false }));
      ok(moveMount(clone, '', AT_FDCWD, attached, MOVE_MOUNT_F_EMPTY_PATH));
      ok(mkdirat(outer, 'sub', 0o700));
      ok(mount('inner', `${original}/sub`, 'tmpfs', 0, ''));
      close(clone);
      close(outer);
      expect(mounts()).toContain(` ${original}/sub `);
      expect(mounts()).toContain(` ${attached} `);
      expect(mounts()).not.toContain(` ${attached}/sub `);
    } finally {
      umount2(attached, MNT_DETACH);
      umount2(original, MNT_DETACH);
    }
  });

  test('privateTmpfs() is an empty tmpfs within its limits that no path leads to', () => {
    const fd = closing(privateTmpfs({ sizeBytes: 65536, mode: 0o1750, inodes: 4 }));
    expect(typeOf(fd)).toBe(TMPFS_MAGIC);
    const st = new Statx();
    ok(statx(fd, '.', 0, STATX_BASIC_STATS, st));
    // Others mount and unmount meanwhile.
    expect(mounts()).not.toContain(` ${st.devMajor}:${st.devMinor} `);
    expect(st.mode & 0o7777).toBe(0o1750);
    const file = closing(openat(fd, 'f', O_RDWR | O_CREAT, 0o600));
    expect(pwrite(file, Buffer.alloc(65536), 0)).toBe(65536);
    expect(pwrite(file, Buffer.alloc(4096), 65536)).toBe(-ENOSPC);
    expect(mkdirat(fd, 'd', 0o700)).toBe(0);
    expect(mkdirat(fd, 'e', 0o700)).toBe(0);
    expect(mkdirat(fd, 'one-too-many', 0o700)).toBe(-ENOSPC);
    const names: string[] = [];
    const buffer = Buffer.alloc(4096);
    const listing = closing(openat(fd, '.', O_RDONLY | O_DIRECTORY));
    forEachDirent(buffer, ok(getdents64(listing, buffer)), (name) => names.push(name));
    expect(names.sort()).toEqual(['d', 'e', 'f']);
  });

  test('moveMount() attaches a detached mount, umount2() takes it away', () => {
    const dir = tempDirectory();
    const fd = closing(privateTmpfs({ sizeBytes: 4096 }));
    newFile({ path: '', fd }, 'inside');
    expect(moveMount(fd, '', AT_FDCWD, dir.path, MOVE_MOUNT_F_EMPTY_PATH)).toBe(0);
    expect(mounts()).toContain(` ${dir.path} `);
    expect(umount2(dir.path, MNT_DETACH | UMOUNT_NOFOLLOW)).toBe(0);
    expect(mounts()).not.toContain(dir.path);
  });

  test('mount() passes type, flags and data', () => {
    const dir = tempDirectory();
    expect(mount('ply\xff', dir.path, 'tmpfs', MS_NODEV, 'size=8192,mode=700')).toBe(0);
    const line = mounts()
      .split('\n')
      .find((each) => each.includes(` ${dir.path} `));
    expect(umount2(dir.path, MNT_DETACH)).toBe(0);
    expect(line).toMatch(/nodev.*- tmpfs .*size=8k,mode=700/);
  });

  test('bad arguments give negated errnos', () => {
    const dir = tempDirectory();
    expect(mount('x', dir.path, 'no-such-type', 0, '')).toBe(-ENODEV);
    expect(mount('x', dir.path, 'a\0', 0, '')).toBe(-EINVAL);
    expect(mount('x', `${dir.path}/none`, 'tmpfs', 0, '')).toBe(-ENOENT);
    expect(umount2(dir.path, 0)).toBe(-EINVAL);
    expect(fsopen('no-such-type', FSOPEN_CLOEXEC)).toBe(-ENODEV);
    const context = closing(fsopen('tmpfs', FSOPEN_CLOEXEC));
    expect(fsconfigString(context, 'no-such-key', 'x')).toBe(-EINVAL);
    expect(fsmount(context, FSMOUNT_CLOEXEC, 0)).toBe(-EINVAL);
    expect(fsconfigCreate(context)).toBe(0);
    expect(privateTmpfs({ sizeBytes: -1 })).toBe(-EINVAL);
    expect(openTree(-1, '', 0x1000)).toBe(-EBADF);
    expect(clonePrivate(-1, { readOnly: true })).toBe(-EBADF);
  });

  test('failures leave no descriptor behind', () => {
    const next = (): number => {
      const fd = ok(openat(AT_FDCWD, '/', O_RDONLY));
      close(fd);
      return fd;
    };
    const before = next();
    for (let i = 0; i < 10; i++) privateTmpfs({ sizeBytes: -1 });
    for (let i = 0; i < 10; i++) clonePrivate(-1, { readOnly: true });
    expect(next()).toBe(before);
  });
});

/** setpriv empties the bounding set, so that node has no capability although its uid stays; else it has none anyway. */
function runUnprivileged(code: string): string {
  const node = [process.execPath, '--input-type=module', '-e', code];
  const [program, ...args] = privileged
    ? ['setpriv', '--bounding-set', '-all', '--inh-caps', '-all', ...node]
    : node;
  return execFileSync(program!, args, { encoding: 'utf8' });
}

test('without capabilities mount calls give EPERM', () => {
  const compiled = compileLinux();
  onTestFinished(compiled.remove);
  const output = runUnprivileged(`
    const { clonePrivate, mount, privateTmpfs } = await import('${compiled.linuxUrl}mounts/mount.js');
    const { openat } = await import('${compiled.linuxUrl}files/open.js');
    const { keepCapabilities } = await import('${compiled.linuxUrl}process/process.js');
    const root = openat(-100, '/', 0);
    const results = [clonePrivate(root, { readOnly: true }), privateTmpfs({}), mount('x', '/tmp', 'tmpfs', 0, ''), keepCapabilities()];
    console.log(JSON.stringify(results));`);
  expect(JSON.parse(output)).toEqual([-EPERM, -EPERM, -EPERM, -EPERM]);
});
