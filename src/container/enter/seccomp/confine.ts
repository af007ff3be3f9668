/** What a command of a container loses besides capabilities: keys of who started it, and system calls. */

import { ENOSYS } from '../../../errno/errno.js';
import { check } from '../../../errno/fs-error.js';
import { joinSessionKeyring, setSeccompFilter } from '../../../linux/process/namespace.js';
import { encodeProgram, seccompProgram } from './filter.js';

/**
 * Takes effect at once, for this thread and what it becomes.
 * @param capabilities numbers (CAP_*) that the command may have.
 * @throws FsError where the kernel refuses: a command is not run without.
 */
export function confine(capabilities: ReadonlySet<number>): void {
  const joined = joinSessionKeyring();
  if (joined !== -ENOSYS) check(joined, 'keyctl');
  check(setSeccompFilter(encodeProgram(seccompProgram(capabilities))), 'seccomp');
}
