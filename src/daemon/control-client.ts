/**
 * One request to the daemon of a mount, over its control socket.
 */

import { createConnection } from 'node:net';
import { join } from 'node:path';
import { reasonOf } from '../errno/reason.js';
import { UserError } from '../errno/user-error.js';
import type { ControlReply } from './control.js';
import { splitLines } from './lines.js';

export const CONTROL_SOCKET = 'control.sock';

const REPLY_LIMIT = 64 * 1024 * 1024;

/** How long a daemon may be silent. */
export interface Patience {
  readonly timeoutMs: number;
  /** Asked each time that `timeoutMs` are over: whether to wait as long again. */
  readonly isBusy?: () => boolean;
}

/**
 * Asks, and gives the value of the reply.
 * @throws UserError when the daemon is gone, refuses, or is silent for too long.
 */
export function askDaemon(
  directory: string,
  name: string,
  args: Readonly<Record<string, unknown>>,
  { timeoutMs, isBusy = () => false }: Patience = { timeoutMs: 10_000 },
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(join(directory, CONTROL_SOCKET));
    const fail = (message: string, hint?: string) => {
      clearInterval(timer);
      socket.destroy();
      reject(new UserError(message, { hint }));
    };
    const timer = setInterval(() => {
      if (!isBusy()) fail(`no answer from the daemon to '${name}' in ${timeoutMs} ms`);
    }, timeoutMs);
    socket.setEncoding('utf8');
    socket.on('connect', () => socket.write(`${JSON.stringify({ id: 1, name, args })}\n`));
    socket.on('error', (error: Error) =>
      fail(`cannot reach the daemon at '${directory}': ${reasonOf(error)}`),
    );
    socket.on('close', () => fail(`the daemon closed the connection before it answered '${name}'`));
    socket.on(
      'data',
      splitLines(REPLY_LIMIT, (line) => {
        if (line === undefined) return fail('the answer of the daemon is too long');
        const reply = JSON.parse(line) as ControlReply;
        if ('error' in reply) return fail(reply.error, reply.hint);
        clearInterval(timer);
        socket.destroy();
        resolve(reply.value);
      }),
    );
  });
}
