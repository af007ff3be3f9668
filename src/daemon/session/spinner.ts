/**
 * The process that keeps a CPU awake: for each line that it reads it spins a while, at the priority that yields to
 * everything else (SCHED_IDLE, man 7 sched). It ends with the pipe, also when the daemon is killed.
 *
 * A shell, since it takes 0.7 MiB, where a worker thread of Node's takes 7.5; it is started at the first burst.
 */

import { spawn } from 'node:child_process';
import { reasonOf } from '../../errno/reason.js';
import { close } from '../../linux/files/open.js';
import { setIdlePriority } from '../../linux/process/scheduling.js';

/** Some 2 ms a line in dash, 5 in bash. */
const SPIN = 'while read -r _; do i=0; while [ $i -lt 2000 ]; do i=$((i+1)); done; done';

/** @param readFd the end of the pipe that lines come out of; closed here. */
export function startSpinner(readFd: number, log: (line: string) => void): void {
  const give = (why: string): void => log(`the CPUs are not kept awake: ${why}`);
  const child = spawn('/bin/sh', ['-c', SPIN], { stdio: [readFd, 'ignore', 'ignore'], env: {}, cwd: '/' });
  close(readFd);
  child.on('error', (error) => give(reasonOf(error)));
  child.unref();
  if (child.pid === undefined) return;
  const result = setIdlePriority(child.pid);
  if (result < 0) {
    give(`no idle priority (errno ${-result})`);
    child.kill('SIGKILL');
  }
}
