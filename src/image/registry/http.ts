/**
 * HTTP requests whose bodies stream in both directions, over node:http and node:https.
 *
 * Not fetch(): its request bodies of unknown type go out chunked, which registries refuse for blobs, and it hides which
 * hop of a redirect gets which header. An answer of any status is an answer; only what kept it from coming throws.
 */

import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { SecureContext } from 'node:tls';
import { UserError } from '../../errno/user-error.js';
import { isNearAddress, lookupFar, refuseNear } from './near.js';

export interface BodySource {
  readonly sizeBytes: number;
  /** Called anew for each attempt. */
  open(): Readable;
}

export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | BodySource;
  /** Its address came from a public host: it may not be one of this host or link. */
  readonly isLed?: boolean;
}

export interface HttpResponse {
  readonly status: number;
  /** After redirects. */
  readonly url: URL;
  /** Who answered is this host, or on its link: what it leads to may be so too. */
  readonly isNear: boolean;
  header(name: string): string | undefined;
  /** All of the body has come, as its own framing says; true also for one that ends with its connection. */
  isWhole(): boolean;
  /** Must be read to its end or destroyed. */
  readonly body: Readable;
}

/** Without a byte for so long, a request has failed. */
const IDLE_TIMEOUT_MS = 60_000;
/** A body longer than this is not read away for the sake of its connection. */
const MAX_DRAINED_BYTES = 64 * 1024;
const DRAIN_TIMEOUT_MS = 5_000;
const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

export interface HttpOptions {
  /** False takes any certificate, and lets a redirect lead from https to http, and to this host. */
  readonly verify: boolean;
  /** Asked at the first https request. */
  readonly trust?: () => SecureContext;
}

export class HttpClient implements Disposable {
  private readonly http = new HttpAgent({ keepAlive: true });
  private readonly options: HttpOptions;
  private secure: HttpsAgent | undefined;

  constructor(options: HttpOptions) {
    this.options = options;
  }

  private get https(): HttpsAgent {
    const { verify, trust } = this.options;
    // One context for all connections: to read the certificates of all authorities takes a while.
    this.secure ??= new HttpsAgent({
      keepAlive: true,
      rejectUnauthorized: verify,
      ...(trust === undefined ? {} : { secureContext: trust() }),
    });
    return this.secure;
  }

  /**
   * Sends a request; redirects of GET and HEAD are followed, without credentials once the host changes.
   * @throws Error of node:net or node:tls, with its code; UserError for a redirect to where none may lead.
   */
  async send(request: HttpRequest): Promise<HttpResponse> {
    let current = request;
    for (let hop = 0; ; hop += 1) {
      const response = await this.exchange(current);
      const target = REDIRECTS.has(response.status) ? response.header('location') : undefined;
      const isSafe = current.method === 'GET' || current.method === 'HEAD';
      if (target === undefined || !isSafe || hop === MAX_REDIRECTS) return response;
      await drain(response);
      const isLed = current.isLed === true || !response.isNear;
      current = { ...redirected(current, this.targetOf(target, current.url)), isLed };
    }
  }

  [Symbol.dispose](): void {
    this.http.destroy();
    this.secure?.destroy();
  }

  /** @throws UserError for what is no address, and for one that would send in the clear what came encrypted. */
  private targetOf(location: string, from: URL): URL {
    const url = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
    const isPlain = url?.protocol === 'http:' && (from.protocol === 'http:' || !this.options.verify);
    if (url !== undefined && (url.protocol === 'https:' || isPlain)) return url;
    throw new UserError(`'${from.host}' redirects to '${location}', which is not safe`);
  }

  private exchange({ method, url, headers, body, isLed }: HttpRequest): Promise<HttpResponse> {
    const isGuarded = isLed === true && this.options.verify;
    if (isGuarded) refuseNear(url);
    const isTls = url.protocol === 'https:';
    const length = body === undefined ? undefined : Buffer.isBuffer(body) ? body.byteLength : body.sizeBytes;
    const sends = method === 'POST' || method === 'PUT' || method === 'PATCH';
    const options = {
      method,
      agent: isTls ? this.https : this.http,
      timeout: IDLE_TIMEOUT_MS,
      ...(isGuarded ? { lookup: lookupFar } : {}),
      headers: {
        'user-agent': 'plyfs',
        // What a proxy compresses on its way has neither its size nor its ranges.
        'accept-encoding': 'identity',
        ...headers,
        ...(length === undefined && !sends ? {} : { 'content-length': String(length ?? 0) }),
      },
    };
    return new Promise((resolve, reject) => {
      const outgoing = (isTls ? httpsRequest : httpRequest)(url, options, (message) => {
        resolve(responseOf(message, url));
      });
      outgoing.on('error', reject);
      outgoing.on('timeout', () => outgoing.destroy(timedOut(url)));
      if (body === undefined || Buffer.isBuffer(body)) outgoing.end(body);
      // An answer that comes before the whole body was sent is the answer; the rest of the body does not matter then.
      else pipeline(body.open(), outgoing).catch(reject);
    });
  }
}

function responseOf(message: IncomingMessage, url: URL): HttpResponse {
  return {
    status: message.statusCode ?? 0,
    url,
    isNear: isNearAddress(message.socket.remoteAddress ?? ''),
    isWhole: () => message.complete,
    header: (name) => {
      const value = message.headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    },
    body: message,
  };
}

function redirected(request: HttpRequest, url: URL): HttpRequest {
  if (url.host === request.url.host && url.protocol === request.url.protocol) return { ...request, url };
  const { authorization: _, ...headers } = request.headers ?? {};
  return { ...request, url, headers };
}

function timedOut(url: URL): Error {
  return Object.assign(new Error(`no answer from '${url.host}' in ${IDLE_TIMEOUT_MS / 1000} s`), {
    code: 'ETIMEDOUT',
  });
}

/** Reads a body away, so that its connection can be used again; a long or slow one costs its connection instead. */
export async function drain(response: HttpResponse): Promise<void> {
  await firstBytes(response.body, MAX_DRAINED_BYTES, DRAIN_TIMEOUT_MS);
}

/** The whole body. @throws UserError when it is longer than `limitBytes`. */
export async function collect(body: Readable, limitBytes: number, host: string): Promise<Buffer> {
  const bytes = await firstBytes(body, limitBytes);
  if (bytes.byteLength <= limitBytes) return bytes;
  throw new UserError(`an answer of '${host}' is longer than ${limitBytes} bytes`);
}

/** The body, or its beginning: a little more than `limitBytes` of it, or what came in time. */
export async function firstBytes(body: Readable, limitBytes: number, timeoutMs?: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  let isLate = false;
  const late = (): void => {
    isLate = true;
    body.destroy();
  };
  const timer = timeoutMs === undefined ? undefined : setTimeout(late, timeoutMs);
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.byteLength;
      // Leaving the loop destroys the stream.
      if (size > limitBytes) break;
    }
  } catch (error) {
    if (!isLate) throw error;
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(chunks);
}
