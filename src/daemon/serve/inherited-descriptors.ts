/**
 * What a daemon inherits beside what its command means to give it: descriptors that were open in the shell which ran the command. A
 * lock, a pipe whose reader waits for its end, a file of a disk that is to be unmounted would be held for the daemon's life.
 */

import { closeSync, readdirSync, readFileSync } from 'node:fs';
import { hasCode } from '../../errno/error-code.js';

/** Octal in /proc/PID/fdinfo: include/uapi/asm-generic/fcntl.h. Node sets it on all that it opens itself. */
const O_CLOEXEC = 0o2000000;

/** Closes them. @param last the highest that is meant. */
export function closeInherited(last: number): void {
  for (const name of readdirSync('/proc/self/fd')) {
    const fd = Number(name);
    if (fd > last && isInherited(fd)) closeSync(fd);
  }
}

function isInherited(fd: number): boolean {
  try {
    const flags = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & O_CLOEXEC) === 0;
  } catch (error) {
    // The one that the list was read by.
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}
