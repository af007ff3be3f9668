/**
 * ioctl(2) with its third argument as memory or as a number.
 *
 * The caller knows the request and the size of what it reads or writes; request codes are unsigned 32-bit numbers.
 */

import { bind, settle } from './library.js';

const sysIoctlBuffer = bind<(fd: number, request: number, buffer: Uint8Array) => number>('ioctl', 'int', [
  'int',
  'ulong',
  'void *',
]);
const sysIoctlNumber = bind<(fd: number, request: number, value: number) => number>('ioctl', 'int', [
  'int',
  'ulong',
  'long',
]);

/** PRECONDITION: the buffer is at least as large as the request's structure; the kernel does not know its size. */
export function ioctlBuffer(fd: number, request: number, buffer: Uint8Array): number {
  return settle(sysIoctlBuffer(fd, request, buffer));
}

export function ioctlNumber(fd: number, request: number, value: number): number {
  return settle(sysIoctlNumber(fd, request, value));
}
