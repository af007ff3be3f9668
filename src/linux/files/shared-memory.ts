/**
 * memfd_create(2) and mmap(2): memory that outlives the process that fills it, as long as somebody holds its descriptor.
 *
 * INVARIANT: what is mapped stays mapped until the thread ends: V8 has no way to take a buffer back.
 */

import koffi from 'koffi';
import { bind, settle } from '../library.js';
import { cString } from '../scratch.js';

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MFD_CLOEXEC = 1;

const sysMemfdCreate = bind<(name: Uint8Array, flags: number) => number>('memfd_create', 'int', [
  'void *',
  'uint',
]);
const sysFtruncate = bind<(fd: number, bytes: number) => number>('ftruncate', 'int', ['int', 'int64']);
const sysMmap = bind<
  (at: number, bytes: number, protection: number, flags: number, fd: number, offset: number) => number
>('mmap', 'int64', ['int64', 'ulong', 'int', 'int', 'int', 'int64']);

/** Memory of this size, of which only what is written takes any. @returns a descriptor, close-on-exec, or a negated errno. */
export function createSharedMemory(name: string, bytes: number): number {
  const fd = settle(sysMemfdCreate(cString(name)!, MFD_CLOEXEC));
  if (fd < 0) return fd;
  const result = settle(sysFtruncate(fd, bytes));
  return result < 0 ? result : fd;
}

/** Maps it, shared and writable. @returns a buffer over it, or a negated errno. */
export function mapSharedMemory(fd: number, bytes: number): Buffer | number {
  const at = settle(sysMmap(0, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  return at < 0 ? at : Buffer.from(koffi.view(BigInt(at), bytes));
}
