import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { EBADF, EINVAL, EOPNOTSUPP, EOVERFLOW, EPERM, ESTALE } from '../../../src/errno/errno.js';
import { O_CREAT, O_PATH, O_RDONLY, O_RDWR } from '../../../src/linux/constants.js';
import { unlinkat } from '../../../src/linux/files/directory.js';
import { FILE_HANDLE_MAX_BYTES, nameToHandleAt, openByHandleAt } from '../../../src/linux/files/handle.js';
import { close, openat } from '../../../src/linux/files/open.js';
import { fstatx, Statx } from '../../../src/linux/files/statx.js';
import { PollSet, poll } from '../../../src/linux/io/poll.js';
import { pidfdGetfd, pidfdOpen } from '../../../src/linux/process/pidfd.js';
import {
  CAP_DAC_READ_SEARCH,
  CAP_SYS_RESOURCE,
  hasCapability,
  raiseFileLimit,
  setfsgid,
  setfsuid,
} from '../../../src/linux/process/process.js';
import { closing, newFile, ok, tempDirectory } from './temp-directory.js';

test('hasCapability() is the effective set of /proc', () => {
  const status = readFileSync('/proc/thread-self/status', 'utf8');
  const effective = BigInt(`0x${/CapEff:\s*([0-9a-f]+)/.exec(status)![1]}`);
  for (let cap = 0; cap <= 40; cap++) {
    expect([cap, hasCapability(cap)]).toEqual([cap, ((effective >> BigInt(cap)) & 1n) === 1n]);
  }
});

test('raiseFileLimit() makes the soft limit the hard one, which goes up where that is allowed', () => {
  const limits = (): string => readFileSync('/proc/self/limits', 'utf8');
  const hard = Number(/Max open files\s+\d+\s+(\d+)/.exec(limits())![1]);
  const limit = raiseFileLimit(hard + 1);
  expect(limit).toBe(hasCapability(CAP_SYS_RESOURCE) ? hard + 1 : hard);
  expect(limits()).toMatch(new RegExp(`Max open files\\s+${limit}\\s+${limit}`));
  // What nobody may have: the hard limit stays.
  expect(raiseFileLimit(2 ** 40)).toBe(limit);
});

test('setfsuid() and setfsgid() give the id before; -1 changes nothing', () => {
  const uid = process.geteuid!();
  const gid = process.getegid!();
  expect([setfsuid(-1), setfsgid(-1)]).toEqual([uid, gid]);
  expect([setfsuid(uid), setfsgid(gid)]).toEqual([uid, gid]);
});

test('pidfd: this process is alive, and its descriptors can be copied', () => {
  const dir = tempDirectory();
  const file = newFile(dir, 'f');
  const pidfd = closing(pidfdOpen(process.pid));
  expect(poll(new PollSet([pidfd]), 0)).toBe(0);
  const copy = closing(pidfdGetfd(pidfd, file));
  const [a, b] = [new Statx(), new Statx()];
  ok(fstatx(file, 0x7ff, a));
  ok(fstatx(copy, 0x7ff, b));
  expect(b.ino).toBe(a.ino);
  expect(pidfdGetfd(pidfd, 999_999)).toBe(-EBADF);
  expect(pidfdOpen(-1)).toBe(-EINVAL);
});

test('a file handle finds its inode again, and is stale once that is gone', () => {
  const dir = tempDirectory();
  const file = ok(openat(dir.fd, 'h\xff', O_CREAT | O_RDWR, 0o600));
  const [a, b] = [new Statx(), new Statx()];
  ok(fstatx(file, 0x7ff, a));
  close(file);
  const handle = Buffer.alloc(FILE_HANDLE_MAX_BYTES);
  const length = nameToHandleAt(dir.fd, 'h\xff', handle);
  if (length === -EOPNOTSUPP) return;
  expect(length).toBe(8 + handle.readUInt32LE(0));
  const named = ok(openat(dir.fd, 'h\xff', O_PATH));
  const byDescriptor = Buffer.alloc(FILE_HANDLE_MAX_BYTES);
  expect(nameToHandleAt(named, '', byDescriptor)).toBe(length);
  close(named);
  expect(byDescriptor).toEqual(handle);
  expect(nameToHandleAt(dir.fd, 'h\xff', Buffer.alloc(9))).toBe(-EOVERFLOW);
  expect(nameToHandleAt(dir.fd, 'h\xff', Buffer.alloc(4))).toBe(-EINVAL);
  expect(openByHandleAt(dir.fd, handle.subarray(0, length - 1), O_RDONLY)).toBe(-EINVAL);
  if (!hasCapability(CAP_DAC_READ_SEARCH)) {
    expect(openByHandleAt(dir.fd, handle.subarray(0, length), O_RDONLY)).toBe(-EPERM);
    return;
  }
  const again = ok(openByHandleAt(dir.fd, handle.subarray(0, length), O_RDONLY));
  ok(fstatx(again, 0x7ff, b));
  expect(b.ino).toBe(a.ino);
  close(again);
  unlinkat(dir.fd, 'h\xff', 0);
  expect(openByHandleAt(dir.fd, handle.subarray(0, length), O_RDONLY)).toBe(-ESTALE);
});
