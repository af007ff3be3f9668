/**
 * The session server of the engine `kernel`: a worker thread that blocks in poll(2), so that each message to it is
 * followed by a write to its eventfd.
 */

import { Worker } from 'node:worker_threads';
import { check } from '../errno/fs-error.js';
import { EFD_NONBLOCK } from '../linux/constants.js';
import { eventfd, eventfdWrite } from '../linux/poll.js';
import type { MountConfig } from './mount-config.js';
import type { ServerEvents, SessionServer } from './session.js';
import type { FromWorker, ToWorker } from './worker-messages.js';

export function startSessionThread(config: MountConfig, events: ServerEvents): SessionServer {
  const wakeFd = check(eventfd(0, EFD_NONBLOCK), 'eventfd');
  const workerData: { config: MountConfig; wakeFd: number } = { config, wakeFd };
  const worker = new Worker(new URL('./session-worker.js', import.meta.url), { workerData });
  worker.on('message', (message: FromWorker) => events.onMessage(message));
  worker.on('error', (error: unknown) => {
    events.onEnd(error instanceof Error ? error : new Error(String(error)));
  });
  worker.on('exit', (code) => events.onEnd(new Error(`the session worker ended with status ${code}`)));
  return {
    post(message: ToWorker): void {
      worker.postMessage(message);
      check(eventfdWrite(wakeFd), 'eventfd');
    },
    // A thread blocked in a foreign call can be neither joined nor terminated.
    kill: () => false,
  };
}
