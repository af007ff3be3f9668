/**
 * Whether this command runs in a mount namespace or a root of its own: below a process that has others (unshare, chroot, a service
 * with a private /tmp). A daemon there keeps all that is mounted in it from being freed, and so does not stay without mounts.
 */

import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { hasCode } from '../../errno/error-code.js';

/** Told by the processes above this one, as far as this user may look at them. */
export function isNested(): boolean {
  const own = placeOf('self');
  for (let pid = process.ppid; pid > 0; pid = parentOf(pid)) {
    const other = placeOf(pid);
    if (other !== undefined && other !== own) return true;
  }
  return false;
}

/** Undefined: it is another user's, or gone. */
function placeOf(pid: number | 'self'): string | undefined {
  try {
    const { dev, ino } = statSync(`/proc/${pid}/root`);
    return `${readlinkSync(`/proc/${pid}/ns/mnt`)} ${dev}:${ino}`;
  } catch (error) {
    if (hasCode(error, 'EACCES', 'EPERM', 'ENOENT', 'ESRCH')) return undefined;
    throw error;
  }
}

/** 0 where nobody is above it, or nobody that can be seen. */
function parentOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch (error) {
    if (hasCode(error, 'EACCES', 'EPERM', 'ENOENT', 'ESRCH')) return 0;
    throw error;
  }
}
