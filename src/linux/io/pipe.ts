/**
 * pipe2(2). Node gives a child socket pairs, and a socket cannot be opened again as /dev/stdin or /dev/stdout.
 */

import { bind, settle } from '../library.js';

const sysPipe2 = bind<(fds: Uint8Array, flags: number) => number>('pipe2', 'int', ['void *', 'int']);

const O_CLOEXEC = 0o2000000;
/** V8 may move the content of smaller typed arrays. */
const fds = Buffer.alloc(128);

interface Pipe {
  readonly readFd: number;
  readonly writeFd: number;
}

/** Both ends close at execve(2). @returns a negated errno when there is none. */
export function pipe(): Pipe | number {
  const result = settle(sysPipe2(fds, O_CLOEXEC));
  if (result < 0) return result;
  return { readFd: fds.readInt32LE(0), writeFd: fds.readInt32LE(4) };
}
