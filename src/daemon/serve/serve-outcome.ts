/** How serving a mount has ended, and the end of a process that served nothing else. */

import { messageOf } from '../../errno/reason.js';
import { UserError } from '../../errno/user-error.js';
import { displayName, type Name } from '../../vfs/name.js';

export interface ServeOutcome {
  /** 0 when it was unmounted, 1 when it could not be mounted or the session broke. */
  readonly code: 0 | 1;
  /** Why it was never mounted. */
  readonly error?: Error;
  /** The worker hangs in a foreign call: `leave()` must be used, since exit() would wait for the thread. */
  readonly isHung: boolean;
}

/** A user's error as it is; of anything else, what was being done. */
export function asRefusal(error: unknown, mountpoint: Name): UserError {
  if (error instanceof UserError) return error;
  const refusal = new UserError(`cannot mount on '${displayName(mountpoint)}': ${messageOf(error)}`, {
    cause: error,
  });
  if (error instanceof Error && error.stack !== undefined) refusal.stack = error.stack;
  return refusal;
}

/** Ends the process as the outcome asks for. */
export function leave({ code, isHung }: ServeOutcome): void {
  if (isHung) process.kill(process.pid, 'SIGKILL');
  else process.exit(code);
}
