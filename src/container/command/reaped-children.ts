/**
 * Children that Node did not start, and so does not wait for: their ends, told by SIGCHLD.
 *
 * Node waits for each of its own by pid, and leaves these alone.
 */

import { reapChild } from '../../linux/process/spawn.js';

/** A signal's handler keeps no process alive; and one that was missed is not missed for ever. */
const LOOK_AGAIN_MS = 60_000;

const waiting = new Map<number, (status: number) => void>();
let timer: NodeJS.Timeout | undefined;

/** Calls back once with the status of a child of this process, as a shell gives it, when it has ended. */
export function whenReaped(pid: number, callback: (status: number) => void): void {
  if (waiting.size === 0) {
    process.on('SIGCHLD', reapAll);
    timer = setInterval(reapAll, LOOK_AGAIN_MS);
  }
  waiting.set(pid, callback);
  // It may have ended before anybody listened.
  setImmediate(reapAll);
}

function reapAll(): void {
  for (const [pid, callback] of waiting) {
    const status = reapChild(pid);
    if (status === undefined) continue;
    waiting.delete(pid);
    callback(status);
  }
  if (waiting.size > 0) return;
  process.off('SIGCHLD', reapAll);
  clearInterval(timer);
}
