/**
 * What becomes of a daemon when the machine has no memory left: with privilege it is spared until others are gone, since with it go all
 * its mounts, and every program in them. Linux: mm/oom_kill.c:oom_badness() v6.18, proc_pid_oom_score_adj(5).
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { isSystemError } from '../../errno/error-code.js';

const SCORE = '/proc/self/oom_score_adj';
/** As Docker's daemon; -1000 would never be ended, a daemon that leaks neither. */
const SPARED = -500;

/** Asks for it where nobody has said how this process is to be treated. Threads and helpers started later have the same. */
export function spareFromOomKiller(score = SCORE): void {
  try {
    if (readFileSync(score, 'latin1').trim() === '0') writeFileSync(score, String(SPARED));
  } catch (error) {
    // Without CAP_SYS_RESOURCE, or where /proc is read-only: as others.
    if (!isSystemError(error)) throw error;
  }
}
