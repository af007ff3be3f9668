/**
 * fork(2) of a Node process, for a copy that goes on with JavaScript and becomes another program soon.
 *
 * The copy has the calling thread alone. V8 asks the kernel to leave its memory out of copies (MADV_DONTFORK), since no copy of
 * it can wait for its threads: so this takes the wish back right before, and is for a Node that has none to wait for
 * (`FORKABLE`). The copy has no event loop either: what it calls is synchronous.
 *
 * By clone(2) as it is, not by glibc's fork(3), which takes no flags. What glibc keeps of the thread's own number is then that of the
 * original, which only raise(3) and the like look at.
 */

import { bind, settle } from '../library.js';

const SYS_CLONE = process.arch === 'arm64' ? 220 : 56;
const SYS_EXIT_GROUP = process.arch === 'arm64' ? 94 : 231;
const MADV_DOFORK = 11;
const SIGCHLD = 17;
/** From above the pages that nobody may map to the end of what a program can have (48 bits). */
const FIRST_ADDRESS = 0x10000;
const ALL_BYTES = 2 ** 48 - 2 * FIRST_ADDRESS;

/** What Node has to be started with: V8 with a thread of its own would wait for it in the copy. */
export const FORKABLE: readonly string[] = ['--single-threaded', '--v8-pool-size=0'];

const sysClone = bind<(nr: number, flags: number, stack: number, a: number, b: number, c: number) => number>(
  'syscall',
  'long',
  ['long', 'ulong', 'long', 'long', 'long', 'long'],
);
const sysMadvise = bind<(from: number, length: number, advice: number) => number>('madvise', 'int', [
  'ulong',
  'ulong',
  'int',
]);
const sysExitGroup = bind<(nr: number, status: number) => number>('syscall', 'long', ['long', 'int']);

/**
 * @param flags CLONE_NEW* and CLONE_PARENT. @returns 0 in the copy, its pid in the original; a negated errno.
 * PRECONDITION: no other thread of the process does anything (no asynchronous work is under way).
 */
export function forkProcess(flags: number): number {
  // One call for all: V8 must not map more between this and the next. -ENOMEM: there are gaps; -EINVAL at the end: the kernel's own pages.
  sysMadvise(FIRST_ADDRESS, ALL_BYTES, MADV_DOFORK);
  return settle(sysClone(SYS_CLONE, flags + SIGCHLD, 0, 0, 0, 0));
}

/** Ends this process at once, without what Node does at its end: that waits for threads which a copy has not. */
export function endCopy(status: number): never {
  sysExitGroup(SYS_EXIT_GROUP, status);
  throw new Error('exit_group(2) came back');
}
