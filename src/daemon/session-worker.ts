/**
 * The worker thread that serves a mount: builds the file system, waits for the descriptor, runs the session loop.
 *
 * Its event loop does not turn while it serves: messages are taken synchronously when the eventfd wakes it. The
 * protocol of the messages is in worker-messages.ts.
 */

import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { SessionLoop } from '../engine/kernel/session-loop.js';
import { FsError } from '../errno/fs-error.js';
import { eventfdDrain, PollSet, poll } from '../linux/poll.js';
import { CAP_SYS_ADMIN, hasCapability, keepCapabilities, unshareFs } from '../linux/process.js';
import type { ServedTree } from './file-system.js';
import type { MountConfig } from './mount-config.js';
import { answerRequest, buildOrReport } from './session-server.js';
import type { FromWorker, ToWorker } from './worker-messages.js';

const port = parentPort as MessagePort;
const { config, wakeFd } = awaitConfig();

function post(message: FromWorker): void {
  port.postMessage(message);
}

main();

function main(): void {
  const privileged = hasCapability(CAP_SYS_ADMIN);
  // A umask of this thread's own, and capabilities that a change of fsuid leaves alone: see union/caller-ids.ts.
  unshareFs();
  if (privileged) keepCapabilities();
  const log = (line: string): void => post({ kind: 'log', line });
  const served = buildOrReport(config, privileged, post, { wakeFd, log });
  if (served === undefined) return;
  post({ kind: 'ready' });
  const fuseFd = awaitDescriptor();
  if (fuseFd === undefined) {
    served.undo();
    post({ kind: 'ended', reason: 'stopped', isHung: !served.detach() });
    return;
  }
  serve(served, fuseFd, privileged);
}

/** Blocks until it is known what to serve. */
function awaitConfig(): { readonly config: MountConfig; readonly wakeFd: number } {
  const { configured } = workerData as { configured: Int32Array };
  Atomics.wait(configured, 0, 0);
  const message = receive();
  if (message?.kind !== 'config' || message.wakeFd === undefined)
    throw new Error(`not a configuration: ${message?.kind}`);
  return { config: message.config, wakeFd: message.wakeFd };
}

/** Blocks until the mount stands. @returns undefined when told to stop before. */
function awaitDescriptor(): number | undefined {
  const wake = new PollSet([wakeFd]);
  for (;;) {
    poll(wake, -1);
    eventfdDrain(wakeFd);
    for (let message = receive(); message !== undefined; message = receive()) {
      if (message.kind === 'serve') return message.fuseFd;
      if (message.kind === 'stop') return undefined;
    }
  }
}

function receive(): ToWorker | undefined {
  return receiveMessageOnPort(port)?.message as ToWorker | undefined;
}

function serve(served: ServedTree, fuseFd: number, privileged: boolean): void {
  const { fs, router } = served;
  const loop: SessionLoop = new SessionLoop({
    fs,
    ...(router && { far: router }),
    fuseFd,
    wakeFd,
    passthrough: privileged,
    debug: config.debug,
    log: (line) => post({ kind: 'log', line }),
    onInit: (features) => {
      served.serve(fuseFd, features.setxattrExt);
      post({ kind: 'initialized', features: { ...features } });
    },
    onWake: () => {
      served.actAsDaemon();
      return answerMessages(loop, served);
    },
  });
  try {
    const reason = loop.run();
    served.actAsDaemon();
    post({ kind: 'ending' });
    // The mount may be gone before the loop has looked.
    answerMessages(loop, served);
    const notOnDisk = served.keepPromise();
    post({ kind: 'ended', reason, isHung: !served.detach(), notOnDisk });
  } catch (error) {
    served.actAsDaemon();
    const isHung = !served.detach();
    if (!(error instanceof FsError)) throw error;
    post({ kind: 'ended', reason: error.message, isHung });
  }
}

/** @returns whether the loop is to end. */
function answerMessages(loop: SessionLoop, tree: ServedTree): boolean {
  for (let message = receive(); message !== undefined; message = receive()) {
    if (message.kind === 'stop') return true;
    if (message.kind === 'promiseDisk') tree.promiseDisk();
    if (message.kind === 'request') {
      const beforeChange = (): void => {
        if (loop.fs !== tree.mounts) loop.fs = tree.joinMounts(loop);
      };
      answerRequest(message, { tree, counts: () => loop.counts(), beforeChange, post });
    }
  }
  return false;
}
