/** mmap(2) and munmap(2), to learn whether a file can be mapped: the memory is never looked at. */

import { bind, settle } from '../library.js';

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;

const sysMmap = bind<
  (at: number, bytes: number, protection: number, flags: number, fd: number, offset: number) => number
>('mmap', 'int64', ['int64', 'ulong', 'int', 'int', 'int', 'int64']);
const sysMunmap = bind<(at: number, bytes: number) => number>('munmap', 'int', ['int64', 'ulong']);

/** Maps the start of a file, shared and writable, and unmaps it at once. @returns 0 or a negated errno. */
export function tryMap(fd: number, bytes: number): number {
  const at = settle(sysMmap(0, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  return at < 0 ? at : settle(sysMunmap(at, bytes));
}
