/**
 * Requests to the daemon of a mount, over its control socket.
 */

import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { reasonOf } from '../../errno/reason.js';
import { UserError } from '../../errno/user-error.js';
import type { ControlReply, RefusedRequest } from './control.js';
import { splitLines } from './lines.js';

export const CONTROL_SOCKET = 'control.sock';

const REPLY_LIMIT = 64 * 1024 * 1024;

/** How long a daemon may be silent. */
interface Patience {
  readonly timeoutMs: number;
  /** Asked each time that `timeoutMs` are over: whether to wait as long again. */
  readonly isBusy?: () => boolean;
}

/**
 * Asks, and gives the value of the reply.
 * @throws UserError when the daemon is gone, refuses, or is silent for too long.
 */
export async function askDaemon(
  directory: string,
  name: string,
  args: Readonly<Record<string, unknown>>,
  patience: Patience = { timeoutMs: 10_000 },
): Promise<unknown> {
  using connection = new ControlConnection(directory);
  return await connection.ask(name, args, patience);
}

interface Waiter {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: UserError) => void;
  readonly timer: NodeJS.Timeout | undefined;
}

/** A connection for several requests, which are answered in any order. */
export class ControlConnection implements Disposable {
  readonly #socket: Socket;
  readonly #waiters = new Map<number, Waiter>();
  #lastId = 0;
  #refusal: RefusedRequest | undefined;

  constructor(directory: string) {
    const socket = createConnection(join(directory, CONTROL_SOCKET));
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('error', (error: Error) =>
      this.#end({
        error: `cannot reach the daemon at '${directory}': ${reasonOf(error)}`,
        code: 'ERR_NO_DAEMON',
      }),
    );
    socket.on('close', () =>
      this.#end({ error: 'the daemon closed the connection before it answered', code: 'ERR_NO_DAEMON' }),
    );
    socket.on(
      'data',
      splitLines(REPLY_LIMIT, (line) => {
        if (line === undefined) this.#end({ error: 'the answer of the daemon is too long' });
        else this.#settle(JSON.parse(line) as ControlReply);
      }),
    );
  }

  /** @param patience undefined: as long as the daemon lives. @throws UserError as askDaemon(). */
  ask(name: string, args: Readonly<Record<string, unknown>>, patience?: Patience): Promise<unknown> {
    if (this.#refusal !== undefined) return Promise.reject(asError(this.#refusal));
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = patience === undefined ? undefined : this.#timer(name, patience);
      this.#waiters.set(id, { resolve, reject, timer });
      this.#socket.write(`${JSON.stringify({ id, name, args })}\n`);
    });
  }

  [Symbol.dispose](): void {
    this.#end({ error: 'nobody waits for the answer of the daemon' });
  }

  #timer(name: string, { timeoutMs, isBusy = () => false }: Patience): NodeJS.Timeout {
    return setInterval(() => {
      if (isBusy()) return;
      this.#end({
        error: `no answer from the daemon to '${name}' in ${timeoutMs} ms`,
        code: 'ERR_NO_ANSWER',
      });
    }, timeoutMs);
  }

  #settle(reply: ControlReply): void {
    const waiter = this.#waiters.get(reply.id);
    if (waiter === undefined) return;
    this.#waiters.delete(reply.id);
    clearInterval(waiter.timer);
    if ('error' in reply) waiter.reject(asError(reply));
    else waiter.resolve(reply.value);
  }

  #end(refusal: RefusedRequest): void {
    this.#refusal ??= refusal;
    this.#socket.destroy();
    for (const id of [...this.#waiters.keys()]) this.#settle({ id, ...this.#refusal });
  }
}

function asError({ error, code, hint }: RefusedRequest): UserError {
  return new UserError(error, { code, hint });
}
