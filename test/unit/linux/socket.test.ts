import { readdirSync, readlinkSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { EAGAIN, EBADF, ENOTCONN, EPROTO } from '../../../src/errno/errno.js';
import { write } from '../../../src/linux/files/data.js';
import { close } from '../../../src/linux/files/open.js';
import { fstatx, Statx } from '../../../src/linux/files/statx.js';
import { receiveDescriptor } from '../../../src/linux/io/socket.js';
import { socketpair } from '../../../src/linux/io/socket-message.js';
import { addressOf, bind, settle } from '../../../src/linux/library.js';
import { closing, newFile, ok, tempDirectory } from './temp-directory.js';

const sysSendmsg = bind<(fd: number, header: Uint8Array, flags: number) => number>('sendmsg', 'long', [
  'int',
  'void *',
  'int',
]);

/** sendmsg(2) of one byte with SCM_RIGHTS, as fusermount3 does. */
function sendDescriptors(socket: number, fds: readonly number[]): number {
  const payload = Buffer.alloc(128);
  const control = Buffer.alloc(128);
  const controlBytes = 16 + fds.length * 4;
  control.writeBigUInt64LE(BigInt(controlBytes), 0);
  control.writeInt32LE(1, 8);
  control.writeInt32LE(1, 12);
  fds.forEach((fd, i) => {
    control.writeInt32LE(fd, 16 + i * 4);
  });
  const iovec = Buffer.alloc(128);
  iovec.writeBigUInt64LE(addressOf(payload), 0);
  iovec.writeBigUInt64LE(1n, 8);
  const header = Buffer.alloc(128);
  header.writeBigUInt64LE(addressOf(iovec), 16);
  header.writeBigUInt64LE(1n, 24);
  header.writeBigUInt64LE(addressOf(control), 32);
  header.writeBigUInt64LE(BigInt(controlBytes), 40);
  return settle(sysSendmsg(socket, header, 0));
}

function pair(): [number, number] {
  const result = socketpair();
  if (typeof result === 'number') throw new Error(`socketpair gave ${result}`);
  return [closing(result[0]), result[1]];
}

test('receiveDescriptor() gives a descriptor of the same file, more than once', () => {
  const dir = tempDirectory();
  const file = newFile(dir, 'f');
  const [ours, theirs] = pair();
  closing(theirs);
  for (let i = 0; i < 3; i++) {
    expect(receiveDescriptor(ours)).toBe(-EAGAIN);
    expect(sendDescriptors(theirs, [file])).toBe(1);
    const received = closing(receiveDescriptor(ours));
    expect(received).not.toBe(file);
    const [a, b] = [new Statx(), new Statx()];
    ok(fstatx(file, 0x7ff, a));
    ok(fstatx(received, 0x7ff, b));
    expect([b.ino, b.dev]).toEqual([a.ino, a.dev]);
  }
});

test('a message with two descriptors gives the first and leaks none', () => {
  const dir = tempDirectory();
  const [one, two] = [newFile(dir, 'one'), newFile(dir, 'two')];
  const [ours, theirs] = pair();
  closing(theirs);
  expect(sendDescriptors(theirs, [one, two])).toBe(1);
  const before = readdirSync('/proc/self/fd').length;
  const received = closing(receiveDescriptor(ours));
  expect(readlinkSync(`/proc/self/fd/${received}`)).toBe(`${dir.path}/one`);
  expect(readdirSync('/proc/self/fd').length).toBe(before + 1);
});

test('receiveDescriptor() tells a message without a descriptor, a closed peer and a bad socket apart', () => {
  const [ours, theirs] = pair();
  write(theirs, Buffer.from('x'));
  expect(receiveDescriptor(ours)).toBe(-EPROTO);
  close(theirs);
  expect(receiveDescriptor(ours)).toBe(-ENOTCONN);
  expect(receiveDescriptor(-1)).toBe(-EBADF);
});

test('receiveDescriptor() finds its structures after garbage collection', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const [ours, theirs] = pair();
  closing(theirs);
  const kept: Buffer[] = [];
  for (let round = 0; round < 3; round++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
    // Takes the memory of what was freed.
    for (let i = 0; i < 2000; i++) kept.push(Buffer.alloc(128, 0xff));
  }
  expect(sendDescriptors(theirs, [theirs])).toBe(1);
  closing(ok(receiveDescriptor(ours)));
  expect(kept.every((one) => one.every((byte) => byte === 0xff))).toBe(true);
});
