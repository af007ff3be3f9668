/** Stops what runs in a container for a while, so that its files do not change. */

import { send } from '../record/signal.js';
import { processesIn } from './processes.js';

/** They go on when it is disposed. @param mountpoint of the container. */
export function pauseProcesses(mountpoint: string): Disposable {
  const pids = processesIn(mountpoint);
  for (const pid of pids) send(pid, 'SIGSTOP');
  return {
    [Symbol.dispose]: () => {
      for (const pid of pids) send(pid, 'SIGCONT');
    },
  };
}
