/** The life of a server at a Unix socket: from the claim to the last answer. */

import { rmSync } from 'node:fs';
import type { Store } from '../../store/store.js';
import { cannotListen, claimSocket } from './claim-socket.js';

/** How long calls that have begun are waited for. */
const LAST_ANSWERS_MS = 10_000;

export interface ServeOptions {
  /** Absolute. */
  readonly socket: string;
  readonly log: (line: string) => void;
  /** Told when it answers. */
  readonly onReady: () => void;
  /** Aborted: no more calls are taken, and those that have begun are answered. */
  readonly signal: AbortSignal;
}

export interface SocketServer {
  /** Resolves when it listens. */
  listen(path: string): Promise<void>;
  /** Takes no more calls. Resolves when those that have begun are answered. */
  close(): Promise<void>;
  /** Lets go of them. */
  abort(): void;
}

/**
 * Resolves when it has ended.
 * @param what is served, as in the command: `docker-volumes`.
 * @param start makes the server, once the right to serve is had.
 * @throws UserError when it cannot listen.
 */
export async function serveAtSocket(
  store: Store,
  what: string,
  { socket, onReady, signal }: Omit<ServeOptions, 'log'>,
  start: () => Promise<SocketServer> | SocketServer,
): Promise<void> {
  using _lock = await claimSocket(store, { path: socket, what });
  const server = await start();
  await privately(() => server.listen(socket)).catch((error: Error) => {
    throw cannotListen(socket, error);
  });
  try {
    onReady();
    await aborted(signal);
    const late = setTimeout(() => server.abort(), LAST_ANSWERS_MS);
    await server.close();
    clearTimeout(late);
  } finally {
    rmSync(socket, { force: true });
  }
}

/** What makes a socket: other users may not open it. */
export async function privately(makeSocket: () => Promise<void>): Promise<void> {
  const mask = process.umask(0o177);
  try {
    await makeSocket();
  } finally {
    process.umask(mask);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
