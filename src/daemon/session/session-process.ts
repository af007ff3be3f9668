/**
 * The session server of the engine `fuse-native`: a process, since the package serves on the main thread's event loop
 * alone, and the main thread of the daemon must stay free to unmount. When the addon crashes, we still clean up.
 *
 * It ends with us: it leaves when the channel to us closes. Its stderr passes through us, and the first complaint of
 * libfuse or fusermount becomes the reason of a failure, since the package says nothing but `fuse failed`.
 */

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { oneLine } from '../../errno/printable.js';
import type { MountConfig } from '../config/mount-config.js';
import type { FromWorker, ToWorker } from '../messages/worker-messages.js';
import type { ServerEvents, SessionServer } from './session.js';

export function startSessionProcess(config: MountConfig, events: ServerEvents): SessionServer {
  const script = fileURLToPath(new URL('./native-session.js', import.meta.url));
  const child = fork(script, [], {
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  let complaint: string | undefined;
  let failed: Failed | undefined;
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    process.stderr.write(text.split('\n').map(oneLine).join('\n'));
    complaint ??= /^(?:fuse|fusermount3?): (.+)$/m.exec(text)?.[1];
  });
  child.on('message', (message) => {
    const from = message as FromWorker;
    // It ends by itself then, and what it has to say is complete only when its stderr has closed.
    if (from.kind === 'failed') failed = from;
    else events.onMessage(from);
  });
  child.on('error', (error) => events.onEnd(error));
  child.on('close', (code, signal) => {
    if (failed) events.onMessage(withComplaint(failed, complaint));
    else events.onEnd(new Error(`the session process ended with ${signal ?? `status ${code}`}`));
  });
  const first: ToWorker = { kind: 'config', config };
  child.send(first, ignoreClosed);
  return {
    post: (message) => child.send(message, ignoreClosed),
    kill: () => child.kill('SIGKILL'),
  };
}

type Failed = Extract<FromWorker, { kind: 'failed' }>;

function withComplaint(message: Failed, complaint: string | undefined): Failed {
  if (complaint === undefined) return message;
  return { ...message, message: message.message.replace(/fuse failed$/, complaint) };
}

/** A closed channel is the end of the child, which `exit` tells. */
function ignoreClosed(_error: Error | null): void {
  // Nothing to add.
}
