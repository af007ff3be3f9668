/** Downloads: a browser that saves a file sends no header of the page's, so the page gets a ticket for one download first. */

import type { ServerResponse } from 'node:http';
import { UserError } from '../../errno/user-error.js';
import { randomHex } from '../../vfs/random-hex.js';
import type { AnswerLane } from './answer-lane.js';

const TICKET_MS = 60_000;
const TICKET_BYTES = 16;
const MOST_TICKETS = 100;

export class DownloadTickets {
  readonly #issued = new Map<string, { readonly args: object; readonly untilMs: number }>();

  /** @throws UserError for arguments that are no object. */
  issue(args: unknown): string {
    if (typeof args !== 'object' || args === null) throw new UserError('invalid arguments: no object');
    const [oldest] = this.#issued.keys();
    if (this.#issued.size >= MOST_TICKETS && oldest !== undefined) this.#issued.delete(oldest);
    const ticket = randomHex(TICKET_BYTES);
    this.#issued.set(ticket, { args, untilMs: Date.now() + TICKET_MS });
    return ticket;
  }

  /** Each once. @throws UserError */
  take(ticket: string): object {
    const issued = this.#issued.get(ticket);
    this.#issued.delete(ticket);
    if (issued === undefined || issued.untilMs < Date.now())
      throw new UserError('the download was begun before, or too late', {
        hint: 'begin it in the page again',
      });
    return issued.args;
  }
}

interface PieceReply {
  readonly sizeBytes: number;
  readonly bytes: Uint8Array;
}

/** A piece at a time, none before the one before was taken. @throws UserError when it cannot be read. */
export async function sendFile(response: ServerResponse, args: object, lane: AnswerLane): Promise<void> {
  const pieceAt = (offset: number): Promise<unknown> => lane.ask('piece', { ...args, offset });
  let piece = (await pieceAt(0)) as PieceReply;
  const { sizeBytes } = piece;
  response.writeHead(200, {
    'Content-Type': 'application/octet-stream',
    'Content-Disposition': 'attachment',
    'Content-Length': sizeBytes,
  });
  let sent = 0;
  while (piece.bytes.length > 0 && sent < sizeBytes && !response.destroyed) {
    const wanted = piece.bytes.subarray(0, sizeBytes - sent);
    sent += wanted.length;
    if (!response.write(wanted)) await drained(response);
    if (sent < sizeBytes && !response.destroyed) piece = (await pieceAt(sent)) as PieceReply;
  }
  // What became shorter meanwhile is broken off: whoever saves it has to see that.
  if (sent < sizeBytes) response.destroy();
  else response.end();
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}
