/**
 * The session server of the engine `fuse-native`: a process, since the package serves on the main thread's event loop
 * alone, and the main thread of the daemon must stay free to unmount. What it crashes of, it does not take us along.
 *
 * It ends with us: it leaves when the channel to us closes. Its stderr is ours, after the last complaint of libfuse or
 * fusermount was noted: the package says nothing but `fuse failed`.
 */

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { MountConfig } from './mount-config.js';
import type { ServerEvents, SessionServer } from './session.js';
import type { FromWorker, ToWorker } from './worker-messages.js';

export function startSessionProcess(config: MountConfig, events: ServerEvents): SessionServer {
  const script = fileURLToPath(new URL('./native-session.js', import.meta.url));
  const child = fork(script, [], {
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  let complaint: string | undefined;
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    process.stderr.write(text);
    complaint = text.match(/^(?:fuse|fusermount3?): (.+)$/gm)?.at(-1) ?? complaint;
  });
  child.on('message', (message) => {
    const from = message as FromWorker;
    // stderr comes by another way than messages, so the complaint that belongs to it may still be under way.
    if (from.kind === 'failed') setImmediate(() => events.onMessage(withComplaint(from, complaint)));
    else events.onMessage(from);
  });
  child.on('error', (error) => events.onEnd(error));
  child.on('exit', (code, signal) => {
    events.onEnd(new Error(`the session process ended with ${signal ?? `status ${code}`}`));
  });
  const first: ToWorker = { kind: 'config', config };
  child.send(first, ignoreClosed);
  return {
    post: (message) => child.send(message, ignoreClosed),
    kill: () => child.kill('SIGKILL'),
  };
}

function withComplaint(
  message: Extract<FromWorker, { kind: 'failed' }>,
  complaint: string | undefined,
): FromWorker {
  if (complaint === undefined) return message;
  return { ...message, message: message.message.replace(/fuse failed$/, complaint) };
}

/** A closed channel is the end of the child, which `exit` tells. */
function ignoreClosed(_error: Error | null): void {
  // Nothing to add.
}
