/** sched_setscheduler(2), for the one policy that any user may choose: SCHED_IDLE, below every other. */

import { bind, settle } from '../library.js';

const SCHED_IDLE = 5;

const sysSetScheduler = bind<(pid: number, policy: number, param: Uint8Array) => number>(
  'sched_setscheduler',
  'int',
  ['int', 'int', 'void *'],
);
/** struct sched_param: int priority, 0 for this policy. */
const parameters = Buffer.alloc(16);

/** Lets a process run only when nothing else wants its CPU. */
export function setIdlePriority(pid: number): number {
  return settle(sysSetScheduler(pid, SCHED_IDLE, parameters));
}
