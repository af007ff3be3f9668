/**
 * The session server of the engine `kernel`: a worker thread that blocks in poll(2), so that each message to it is
 * followed by a write to its eventfd.
 */

import { check } from '../errno/fs-error.js';
import { EFD_NONBLOCK } from '../linux/constants.js';
import { eventfd, eventfdWrite } from '../linux/poll.js';
import { takeWorker } from './early-worker.js';
import type { MountConfig } from './mount-config.js';
import type { ServerEvents, SessionServer } from './session.js';
import type { ToWorker } from './worker-messages.js';

export function startSessionThread(config: MountConfig, events: ServerEvents): SessionServer {
  const wakeFd = check(eventfd(0, EFD_NONBLOCK), 'eventfd');
  const { worker, configure } = takeWorker({
    onMessage: events.onMessage,
    onError: (error) => events.onEnd(error instanceof Error ? error : new Error(String(error))),
    onExit: (code) => events.onEnd(new Error(`the session worker ended with status ${code}`)),
  });
  configure({ kind: 'config', config, wakeFd });
  return {
    post(message: ToWorker): void {
      worker.postMessage(message);
      check(eventfdWrite(wakeFd), 'eventfd');
    },
    // A thread blocked in a foreign call can be neither joined nor terminated.
    kill: () => false,
  };
}
