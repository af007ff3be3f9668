/**
 * The server of the page: HTTP on loopback or a Unix socket, for one user, who has the token.
 *
 * INVARIANT: without the token nothing is told but the program of the page, which is the same for all; without `--write` nothing is
 * changed but notes of what was measured, and with it by POST of the page itself alone; no request goes off this machine.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mountPointOf } from '../../container/record/status.js';
import { mountMetrics } from '../../daemon/client/mount-metrics.js';
import { hasCode } from '../../errno/error-code.js';
import { messageOf, reasonOf } from '../../errno/reason.js';
import { UserError } from '../../errno/user-error.js';
import { makeWay } from '../../serve/socket/claim-socket.js';
import { privately } from '../../serve/socket/serve-at-socket.js';
import { listContainers } from '../../store/container-record.js';
import type { Store } from '../../store/store.js';
import { randomHex } from '../../vfs/random-hex.js';
import type { ErrorReply } from '../api.js';
import { AnswerLane } from './answer-lane.js';
import { DownloadTickets, sendFile } from './downloads.js';
import { streamEvents } from './event-stream.js';
import { sendVolume } from './export-volume-stream.js';
import { CHANGE_METHODS, carryOut } from './page-changes.js';
import { pageFile } from './page-files.js';
import { GUARD_HEADERS, hasToken, refusalOf } from './request-guard.js';

const TOKEN_BYTES = 32;
/** Storage that hangs is not waited for longer. */
const TREE_LIMIT_MS = 30_000;
const SEARCH_LIMIT_MS = 600_000;
/** Half-done changes are not to be left behind: long ones are waited for. */
const CHANGE_LIMIT_MS = 86_400_000;
const MOST_CONNECTIONS = 64;

/** Calls that read one thing, and those that go through whole layers: the first do not wait for the second. */
const TREE_METHODS = ['overview', 'stack', 'directory', 'why', 'content', 'drafts', 'volume'];
const SEARCH_METHODS = ['space', 'waste', 'find', 'compare', 'hunks', 'review', 'measure', 'drift'];

interface PageServerOptions {
  readonly store: Store;
  /** The source to begin with. */
  readonly start: string | undefined;
  readonly mayWrite: boolean;
  /** 0: any that is free. */
  readonly port: number;
  /** A Unix socket instead of a port. */
  readonly socket?: string | undefined;
}

interface RunningServer extends AsyncDisposable {
  /** With the token; of a Unix socket without host and port. */
  readonly address: string;
}

/** @throws UserError when the port or the socket cannot be had. */
export async function startPageServer(options: PageServerOptions): Promise<RunningServer> {
  const server = new PageServer(options);
  return { address: await server.listen(), [Symbol.asyncDispose]: () => server.close() };
}

class PageServer {
  readonly #options: PageServerOptions;
  readonly #token = randomHex(TOKEN_BYTES);
  readonly #trees: AnswerLane;
  readonly #searches: AnswerLane;
  readonly #changes: AnswerLane;
  readonly #tickets = new DownloadTickets();
  readonly #ending = new AbortController();
  readonly #server: Server;

  constructor(options: PageServerOptions) {
    this.#options = options;
    this.#trees = new AnswerLane(options.store.root, TREE_LIMIT_MS);
    this.#searches = new AnswerLane(options.store.root, SEARCH_LIMIT_MS);
    this.#changes = new AnswerLane(options.store.root, CHANGE_LIMIT_MS, 'changes');
    this.#server = createServer((request, response) => void this.#serve(request, response));
    // An upload takes as long as it takes; its headers do not.
    this.#server.requestTimeout = 0;
    this.#server.maxConnections = MOST_CONNECTIONS;
  }

  async listen(): Promise<string> {
    const { port, socket } = this.#options;
    const place = socket === undefined ? { host: '127.0.0.1', port } : { path: socket };
    if (socket !== undefined) await makeWay(socket);
    await privately(
      () =>
        new Promise((resolve, reject) => {
          this.#server.once('error', (error) => reject(cannotListen(error, socket ?? `127.0.0.1:${port}`)));
          this.#server.listen(place, resolve);
        }),
    );
    const where =
      socket === undefined ? `127.0.0.1:${(this.#server.address() as AddressInfo).port}` : 'localhost';
    return `http://${where}/#token=${this.#token}`;
  }

  async close(): Promise<void> {
    this.#ending.abort();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await Promise.all([this.#trees.close(), this.#searches.close(), this.#changes.close()]);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(GUARD_HEADERS)) response.setHeader(name, value);
    try {
      await this.#answer(request, response);
    } catch (error) {
      if (response.headersSent) response.destroy();
      else if (error instanceof UserError) sendError(response, 400, error);
      else sendError(response, 500, new Error(messageOf(error)));
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { headers, url = '/' } = request;
    const refused = refusedStatus(request);
    if (refused !== undefined) {
      response.setHeader('Allow', 'GET, HEAD, POST');
      sendError(response, refused.status, refused.error);
      return;
    }
    const mark = url.indexOf('?');
    const path = mark < 0 ? url : url.slice(0, mark);
    const ticket = /^\/download\/([0-9a-f]+)\/[^/]*$/.exec(path)?.[1];
    const call = /^\/api\/([a-z]+)$/.exec(path)?.[1];
    if (request.method === 'POST') await this.#change(request, response, call, url.slice(path.length + 1));
    else if (ticket !== undefined) await this.#download(response, this.#tickets.take(ticket));
    else if (call === undefined) sendPage(response, path);
    else if (!hasToken(headers, this.#token)) sendError(response, 401, NO_TOKEN);
    else if (call === 'events') await streamEvents(response, this.#options.store, this.#ending.signal);
    else {
      const args = mark < 0 ? {} : parsedArguments(url.slice(mark + 1));
      sendJson(response, 200, await this.#call(call, args));
    }
  }

  async #change(
    request: IncomingMessage,
    response: ServerResponse,
    method: string | undefined,
    query: string,
  ): Promise<void> {
    if (!hasToken(request.headers, this.#token)) sendError(response, 401, NO_TOKEN);
    else if (!this.#options.mayWrite) sendError(response, 403, READS_ONLY);
    else if (method === undefined || !CHANGE_METHODS.includes(method))
      throw new UserError(`no such method: '${method ?? ''}'`);
    else {
      const args = query === '' ? {} : parsedArguments(query);
      sendJson(response, 200, await carryOut(method, args, request, this.#changes));
    }
  }

  async #download(response: ServerResponse, args: object): Promise<void> {
    const volume = 'export' in args ? args.export : undefined;
    if (volume === undefined) await sendFile(response, args, this.#trees);
    else await sendVolume(response, this.#options.store.root, String(volume));
  }

  async #metrics(): Promise<object> {
    const { store } = this.#options;
    const { mounts, ...rest } = await mountMetrics({ recent: true });
    const containers = new Map(listContainers(store).map((one) => [mountPointOf(store, one), one.name]));
    const named = mounts.map((mount) => ({ ...mount, container: containers.get(mount.mountpoint) }));
    return { timeMs: Date.now(), mounts: named, ...rest };
  }

  async #call(method: string, args: unknown): Promise<unknown> {
    if (method === 'metrics') return this.#metrics();
    if (method === 'ticket') return { ticket: this.#tickets.issue(args) };
    if (method === 'overview') {
      const reply = (await this.#trees.ask(method, args)) as object;
      const { start, mayWrite } = this.#options;
      return { ...reply, start, mayWrite };
    }
    if (TREE_METHODS.includes(method)) return this.#trees.ask(method, args);
    if (SEARCH_METHODS.includes(method)) return this.#searches.ask(method, args);
    throw new UserError(`no such method: '${method}'`);
  }
}

const NO_TOKEN = new UserError('no token', { hint: 'open the address that plyfs ui printed' });

const READS_ONLY = new UserError('the page only reads', {
  hint: "'plyfs ui --write' lets it change volumes and apply drafts",
});

interface Refused {
  readonly status: number;
  readonly error: Error;
}

function refusedStatus({ method, headers }: IncomingMessage): Refused | undefined {
  const refusal = refusalOf(headers);
  if (refusal !== undefined) return { status: 403, error: new Error(refusal) };
  if (method === 'GET' || method === 'HEAD') return undefined;
  if (method !== 'POST') return { status: 405, error: new Error('no such way to ask') };
  // Browsers always say it; what does not is no page of ours.
  if (headers.origin === undefined) return { status: 403, error: new Error('the request has no origin') };
  return undefined;
}

function cannotListen(error: Error, where: string): UserError {
  const hint = hasCode(error, 'EADDRINUSE') ? 'choose another with --port or --socket' : undefined;
  return new UserError(`cannot listen at '${where}': ${reasonOf(error)}`, { hint, cause: error });
}

function parsedArguments(query: string): unknown {
  try {
    return JSON.parse(decodeURIComponent(query));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof URIError)
      throw new UserError('invalid arguments: no JSON', { cause: error });
    throw error;
  }
}

function sendPage(response: ServerResponse, path: string): void {
  const file = pageFile(path);
  if (file === undefined) {
    sendError(response, 404, new Error('no such page'));
    return;
  }
  response.writeHead(200, { 'Content-Type': file.type, 'Content-Length': file.bytes.length });
  response.end(file.bytes);
}

function sendError(response: ServerResponse, status: number, error: Error): void {
  const hint = error instanceof UserError ? error.hint : undefined;
  sendJson(response, status, { error: { message: error.message, hint } } satisfies ErrorReply);
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const body = Buffer.from(JSON.stringify(value));
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': body.length });
  response.end(body);
}
