/** What a process is called, for people: /proc/PID/comm (man 5 proc), 15 bytes that the process chooses. */

import { readFileSync } from 'node:fs';
import { isSystemError } from '../../errno/error-code.js';

/** @param pid of a process or thread. @returns '' where it is gone, or of another pid namespace (0). */
export function processName(pid: number): string {
  if (pid <= 0) return '';
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trimEnd();
  } catch (error) {
    if (isSystemError(error)) return '';
    throw error;
  }
}
