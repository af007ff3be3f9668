/**
 * The control socket of a mount: requests by other processes, answered by the daemon's main thread.
 *
 * Each line is a JSON record: `{id, name, args}` one way, `{id, value}` or `{id, error, code?, hint?}` the other, in any
 * order. The socket stands in a directory that only its user can enter; whoever connects all the same must be that user, or
 * root.
 */

import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { messageOf } from '../../errno/reason.js';
import { UserError, type UserErrorCode } from '../../errno/user-error.js';
import { peerUid } from '../../linux/io/socket.js';
import { splitLines } from './lines.js';

interface ControlRequest {
  readonly id: number;
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
}

export type ControlReply =
  | { readonly id: number; readonly value: unknown }
  | ({ readonly id: number } & RefusedRequest);

/** Why a request is not answered: a UserError that comes from another process. */
export interface RefusedRequest {
  readonly error: string;
  readonly code?: UserErrorCode | undefined;
  readonly hint?: string | undefined;
}

/** The process that asks. */
export interface ControlCaller {
  /** Calls back once, when the connection is closed; at once where it is already. */
  whenGone(callback: () => void): void;
}

const STAYS: ControlCaller = { whenGone: () => undefined };

/** Answers one request; a thrown error is sent to who asked. */
export type ControlHandler = (args: Readonly<Record<string, unknown>>, caller: ControlCaller) => unknown;

/** Commands connect one at a time each; more than this are no commands of ours. */
const MOST_CONNECTIONS = 256;

/** A longer line is no request; the connection is closed. */
const LINE_LIMIT = 1024 * 1024;

/**
 * Listens at `path`; resolves when connections are accepted. Errors of one connection end that connection only.
 * PRECONDITION: a socket that is there is of a process that was killed.
 */
export function serveControl(
  path: string,
  handlers: ReadonlyMap<string, ControlHandler>,
  { lineLimit = LINE_LIMIT } = {},
): Promise<Server> {
  rmSync(path, { force: true });
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      if (!isUser(socket)) {
        socket.destroy();
        return;
      }
      socket.setEncoding('utf8');
      // The other side went away: nobody is left to be told.
      socket.on('error', () => socket.destroy());
      socket.on(
        'data',
        splitLines(lineLimit, (line) => {
          if (line === undefined) socket.destroy();
          else void answer(socket, line, handlers);
        }),
      );
    });
    server.maxConnections = MOST_CONNECTIONS;
    server.once('error', reject);
    server.listen(path, () => resolve(server));
  });
}

/** Whether the user of this process, or root, has connected. */
function isUser(socket: Socket): boolean {
  // No public way leads to the descriptor.
  const { fd } = (socket as unknown as { readonly _handle: { readonly fd: number } })._handle;
  const uid = peerUid(fd);
  return uid === 0 || uid === process.geteuid?.();
}

async function answer(
  socket: Socket,
  line: string,
  handlers: ReadonlyMap<string, ControlHandler>,
): Promise<void> {
  const reply = await replyTo(line, handlers, {
    whenGone: (callback) => {
      if (socket.destroyed) callback();
      else socket.once('close', callback);
    },
  });
  if (!socket.destroyed) socket.write(`${JSON.stringify(reply)}\n`);
}

/** The reply to one line; never throws. */
export async function replyTo(
  line: string,
  handlers: ReadonlyMap<string, ControlHandler>,
  caller = STAYS,
): Promise<ControlReply> {
  const request = parseRequest(line);
  if (!request) return { id: 0, error: 'invalid control request: not a record with id and name' };
  const handler = handlers.get(request.name);
  if (!handler) return { id: request.id, error: `unknown control request '${request.name}'` };
  try {
    return { id: request.id, value: (await handler(request.args, caller)) ?? null };
  } catch (error) {
    if (!(error instanceof UserError)) return { id: request.id, error: messageOf(error) };
    const { message, code, hint } = error;
    return {
      id: request.id,
      error: message,
      ...(code === undefined ? {} : { code }),
      ...(hint === undefined ? {} : { hint }),
    };
  }
}

function parseRequest(line: string): ControlRequest | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { id, name, args } = value as Record<string, unknown>;
  if (typeof id !== 'number' || typeof name !== 'string') return undefined;
  const isRecord = typeof args === 'object' && args !== null;
  return { id, name, args: isRecord ? (args as Record<string, unknown>) : {} };
}
