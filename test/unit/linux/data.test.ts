import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { EAGAIN, EBADF, EINVAL, ENOTTY, ENXIO, EOPNOTSUPP } from '../../../src/errno/errno.js';
import {
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FS_IOC_GETFLAGS,
  LOCK_EX,
  LOCK_NB,
  LOCK_UN,
  O_RDWR,
  SEEK_DATA,
  SEEK_END,
  SEEK_HOLE,
  SEEK_SET,
} from '../../../src/linux/constants.js';
import {
  copyFileRange,
  fallocate,
  fdatasync,
  ficlone,
  flock,
  fsync,
  lseek,
  pread,
  preadPrefix,
  pwrite,
  read,
  syncfs,
  write,
  writePrefix,
} from '../../../src/linux/files/data.js';
import { ftruncate } from '../../../src/linux/files/inode.js';
import { openat } from '../../../src/linux/files/open.js';
import { ioctlBuffer, ioctlNumber } from '../../../src/linux/ioctl.js';
import { closing, newFile, tempDirectory } from './temp-directory.js';

const text = (value: string): Buffer => Buffer.from(value, 'latin1');

test('pwrite() and pread() use a view from its own start, whatever its kind and size', () => {
  const dir = tempDirectory();
  const fd = newFile(dir, 'f');
  const source = text('..hello..');
  expect(pwrite(fd, source.subarray(2, 7), 3)).toBe(5);
  expect(pwrite(fd, new Uint8Array([0x41, 0x42, 0x43]).subarray(1), 0)).toBe(2);
  expect(readFileSync(`${dir.path}/f`, 'latin1')).toBe('BC\0hello');
  const into = Buffer.alloc(16, '-');
  expect(pread(fd, into.subarray(4, 8), 3)).toBe(4);
  expect(into.toString()).toBe('----hell--------');
  const small = new Uint8Array(4);
  expect(pread(fd, small.subarray(2), 3)).toBe(2);
  expect([...small]).toEqual([0, 0, 0x68, 0x65]);
  expect(pread(fd, into, 100)).toBe(0);
  expect(pread(fd, new Uint8Array(0), 0)).toBe(0);
  expect(pwrite(fd, new Uint8Array(0), 0)).toBe(0);
});

test('offsets beyond 32 bits arrive whole', () => {
  const dir = tempDirectory();
  const fd = newFile(dir, 'f');
  const remote = 2 ** 40 + 3;
  expect(pwrite(fd, text('x'), remote)).toBe(1);
  expect(lseek(fd, 0, SEEK_END)).toBe(remote + 1);
  expect(lseek(fd, remote, SEEK_SET)).toBe(remote);
  const into = Buffer.alloc(2);
  expect(read(fd, into)).toBe(1);
  expect(into[0]).toBe(0x78);
});

test('read(), write() and the prefix forms count from the start of the buffer', () => {
  const dir = tempDirectory();
  const fd = newFile(dir, 'f');
  expect(write(fd, text('ab'))).toBe(2);
  expect(writePrefix(fd, text('cdef'), 2)).toBe(2);
  expect(writePrefix(fd, text('g'), 100)).toBe(1);
  const into = Buffer.alloc(8, '-');
  expect(preadPrefix(fd, into, 3, 1)).toBe(3);
  expect(into.toString()).toBe('bcd-----');
});

test('lseek() finds data and holes, fallocate() punches them', () => {
  const dir = tempDirectory();
  const fd = newFile(dir, 'f');
  ftruncate(fd, 1 << 20);
  pwrite(fd, Buffer.alloc(65536, 'x'), 131072);
  expect(lseek(fd, 0, SEEK_DATA)).toBe(131072);
  expect(lseek(fd, 131072, SEEK_HOLE)).toBe(131072 + 65536);
  expect(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 131072, 65536)).toBe(0);
  expect(lseek(fd, 0, SEEK_DATA)).toBe(-ENXIO);
  expect(fallocate(fd, 0, 0, 2 ** 21)).toBe(0);
  expect(lseek(fd, 0, SEEK_END)).toBe(2 ** 21);
  expect(fallocate(fd, 0, 0, 0)).toBe(-EINVAL);
});

test('copyFileRange() copies between the offsets given and moves no file offset', () => {
  const dir = tempDirectory();
  const from = newFile(dir, 'from');
  const to = newFile(dir, 'to');
  pwrite(from, text('0123456789'), 2 ** 33);
  expect(copyFileRange(from, 2 ** 33 + 2, to, 4, 5)).toBe(5);
  expect(readFileSync(`${dir.path}/to`, 'latin1')).toBe('\0\0\0\x0023456');
  expect(lseek(from, 0, 1)).toBe(0);
  expect(copyFileRange(from, 2 ** 33 + 10, to, 0, 5)).toBe(0);
  expect(copyFileRange(-1, 0, to, 0, 5)).toBe(-EBADF);
});

test('ficlone() clones or says that the file system cannot', () => {
  const dir = tempDirectory();
  const from = newFile(dir, 'from');
  const to = newFile(dir, 'to');
  pwrite(from, Buffer.alloc(4096, 'c'), 0);
  const result = ficlone(to, from);
  expect([0, -EOPNOTSUPP]).toContain(result);
  if (result === 0) expect(readFileSync(`${dir.path}/to`)).toEqual(readFileSync(`${dir.path}/from`));
  expect(ficlone(to, -1)).toBe(-EBADF);
});

test('fsync(), fdatasync() and syncfs() succeed on a file and give EBADF without one', () => {
  const fd = newFile(tempDirectory(), 'f');
  for (const flush of [fsync, fdatasync, syncfs]) {
    expect(flush(fd)).toBe(0);
    expect(flush(-1)).toBe(-EBADF);
  }
});

test('flock() excludes another open file until it is given back', () => {
  const dir = tempDirectory();
  const one = newFile(dir, 'f');
  const two = closing(openat(dir.fd, 'f', O_RDWR));
  expect(flock(one, LOCK_EX)).toBe(0);
  expect(flock(two, LOCK_EX | LOCK_NB)).toBe(-EAGAIN);
  expect(flock(one, LOCK_UN)).toBe(0);
  expect(flock(two, LOCK_EX | LOCK_NB)).toBe(0);
});

test('ioctlBuffer() takes requests above 2^31 and fills the buffer', () => {
  const dir = tempDirectory();
  const fd = newFile(dir, 'f');
  const flags = Buffer.alloc(8, 0xff);
  expect([0, -ENOTTY, -EOPNOTSUPP]).toContain(ioctlBuffer(fd, FS_IOC_GETFLAGS, flags));
  const FIONREAD = 0x541b;
  pwrite(fd, text('seven77'), 0);
  expect(ioctlBuffer(fd, FIONREAD, flags)).toBe(0);
  expect(flags.readInt32LE(0)).toBe(7);
  expect(ioctlNumber(fd, 0x12345678, 0)).toBe(-ENOTTY);
});
