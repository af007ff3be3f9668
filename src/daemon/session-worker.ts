/**
 * The worker thread that serves a mount: builds the file system, waits for the descriptor, runs the session loop.
 *
 * Its event loop does not turn while it serves: messages are taken synchronously when the eventfd wakes it. The
 * protocol of the messages is in worker-messages.ts.
 */

import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { SessionLoop } from '../engine/kernel/session-loop.js';
import { FsError } from '../errno/fs-error.js';
import { UserError } from '../errno/user-error.js';
import { eventfdDrain, PollSet, poll } from '../linux/poll.js';
import {
  CAP_SYS_ADMIN,
  hasCapability,
  keepCapabilities,
  raiseFileLimit,
  unshareFs,
} from '../linux/process.js';
import { buildFileSystem, type ServedFileSystem } from './file-system.js';
import type { MountConfig } from './mount-config.js';
import type { FromWorker, ToWorker } from './worker-messages.js';

const { config, wakeFd } = workerData as { config: MountConfig; wakeFd: number };
const port = parentPort as MessagePort;

function post(message: FromWorker): void {
  port.postMessage(message);
}

main();

function main(): void {
  const privileged = hasCapability(CAP_SYS_ADMIN);
  // A umask of this thread's own, and capabilities that a change of fsuid leaves alone: see union/caller-ids.ts.
  unshareFs();
  if (privileged) keepCapabilities();
  const served = build(privileged);
  if (served === undefined) return;
  post({ kind: 'ready' });
  const fuseFd = awaitDescriptor();
  if (fuseFd === undefined) {
    served.fs.detach();
    return;
  }
  serve(served, fuseFd, privileged);
}

function build(privileged: boolean): ServedFileSystem | undefined {
  try {
    return buildFileSystem(config, { privileged, descriptorLimit: Math.floor(raiseFileLimit() / 4) });
  } catch (error) {
    if (error instanceof UserError) post({ kind: 'failed', message: error.message, hint: error.hint });
    else if (error instanceof FsError) post({ kind: 'failed', message: error.message });
    else throw error;
    return undefined;
  }
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

function serve({ fs, inspect }: ServedFileSystem, fuseFd: number, privileged: boolean): void {
  const loop: SessionLoop = new SessionLoop({
    fs,
    fuseFd,
    wakeFd,
    passthrough: privileged,
    debug: config.debug,
    log: (line) => post({ kind: 'log', line }),
    onInit: (features) => post({ kind: 'initialized', features: { ...features } }),
    onWake: () => answerMessages(loop, inspect),
  });
  try {
    const reason = loop.run();
    fs.detach();
    post({ kind: 'ended', reason });
  } catch (error) {
    fs.detach();
    if (!(error instanceof FsError)) throw error;
    post({ kind: 'ended', reason: error.message });
  }
}

/** @returns whether the loop is to end. */
function answerMessages(loop: SessionLoop, inspect: ServedFileSystem['inspect']): boolean {
  for (let message = receive(); message !== undefined; message = receive()) {
    if (message.kind === 'stop') return true;
    if (message.kind === 'request') answer(message, loop, inspect);
  }
  return false;
}

function answer(
  { id, name, args }: Extract<ToWorker, { kind: 'request' }>,
  loop: SessionLoop,
  inspect: ServedFileSystem['inspect'],
): void {
  try {
    const value =
      name === 'stats' ? { requests: loop.counts(), ...inspect('stats', args) } : inspect(name, args);
    post({ kind: 'reply', id, value });
  } catch (error) {
    post({ kind: 'reply', id, error: error instanceof Error ? error.message : String(error) });
  }
}
