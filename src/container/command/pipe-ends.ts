/** Pipes of commands. */

import { fsError } from '../../errno/fs-error.js';
import { pipe } from '../../linux/io/pipe.js';

interface PipeEnds {
  readonly readFd: number;
  readonly writeFd: number;
}

/** Closed by execve(2), but for those that a child is given. @throws FsError */
export function makePipe(): PipeEnds {
  const ends = pipe();
  if (typeof ends === 'number') throw fsError(-ends, 'pipe');
  return ends;
}
