/**
 * HTTP requests whose bodies stream in both directions, over node:http and node:https.
 *
 * Not fetch(): its request bodies of unknown type go out chunked, which registries refuse for blobs, and it hides which
 * hop of a redirect gets which header. An answer of any status is an answer; only what kept it from coming throws.
 */

import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import {
  Agent as HttpsAgent,
  type AgentOptions as HttpsAgentOptions,
  request as httpsRequest,
} from 'node:https';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { SecureContext } from 'node:tls';
import { UserError } from '../../errno/user-error.js';
import { isLocalAddress, isLocalUrl, lookupPublic, refuseLocal } from './local-registry.js';
import { proxyAuthorization, proxyFor } from './proxy.js';
import { TunnelAgent } from './tunnel.js';

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
  /** The answer came from this host or its link: what it leads to may be there too. */
  readonly isLocal: boolean;
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

interface HttpOptions {
  /** False takes any certificate, and lets a redirect lead from https to http, and to this host. */
  readonly verify: boolean;
  /** Asked at the first https request. */
  readonly trust?: () => SecureContext;
}

export class HttpClient implements Disposable {
  readonly #http = new HttpAgent({ keepAlive: true });
  readonly #options: HttpOptions;
  #context: SecureContext | undefined;
  #secure: HttpsAgent | undefined;
  /** By the proxy's address. */
  readonly #tunnels = new Map<string, TunnelAgent>();

  constructor(options: HttpOptions) {
    this.#options = options;
  }

  get #https(): HttpsAgent {
    this.#secure ??= new HttpsAgent(this.#tlsOptions());
    return this.#secure;
  }

  #tunnel(proxy: URL): TunnelAgent {
    const agent = this.#tunnels.get(proxy.href) ?? new TunnelAgent(proxy, this.#tlsOptions());
    this.#tunnels.set(proxy.href, agent);
    return agent;
  }

  #tlsOptions(): HttpsAgentOptions {
    const { verify, trust } = this.#options;
    // One context for all connections: to read the certificates of all authorities takes a while.
    this.#context ??= trust?.();
    const secureContext = this.#context === undefined ? {} : { secureContext: this.#context };
    return { keepAlive: true, rejectUnauthorized: verify, ...secureContext };
  }

  /**
   * Sends a request; redirects of GET and HEAD are followed, without credentials once the host changes.
   * @throws Error of node:net or node:tls, with its code; UserError for a redirect to where none may lead.
   */
  async send(request: HttpRequest): Promise<HttpResponse> {
    let current = request;
    for (let hop = 0; ; hop += 1) {
      const response = await this.#exchange(current);
      const target = REDIRECTS.has(response.status) ? response.header('location') : undefined;
      const isSafe = current.method === 'GET' || current.method === 'HEAD';
      if (target === undefined || !isSafe || hop === MAX_REDIRECTS) return response;
      await drain(response);
      const isLed = current.isLed === true || !response.isLocal;
      current = { ...redirected(current, this.#targetOf(target, current.url)), isLed };
    }
  }

  [Symbol.dispose](): void {
    this.#http.destroy();
    this.#secure?.destroy();
    for (const agent of this.#tunnels.values()) agent.destroy();
  }

  /** @throws UserError for what is no address, and for one that would send in the clear what came encrypted. */
  #targetOf(location: string, from: URL): URL {
    const url = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
    const isPlain = url?.protocol === 'http:' && (from.protocol === 'http:' || !this.#options.verify);
    if (url !== undefined && (url.protocol === 'https:' || isPlain)) return url;
    throw new UserError(`'${from.host}' redirects to '${location}', which is not safe`);
  }

  #exchange({ method, url, headers, body, isLed }: HttpRequest): Promise<HttpResponse> {
    const isGuarded = isLed === true && this.#options.verify;
    if (isGuarded) refuseLocal(url);
    const isTls = url.protocol === 'https:';
    const proxy = proxyFor(url);
    const length = body === undefined ? undefined : Buffer.isBuffer(body) ? body.byteLength : body.sizeBytes;
    const sends = method === 'POST' || method === 'PUT' || method === 'PATCH';
    const options = {
      method,
      agent: !isTls ? this.#http : proxy === undefined ? this.#https : this.#tunnel(proxy),
      timeout: IDLE_TIMEOUT_MS,
      // What a name means the proxy finds out.
      ...(isGuarded && proxy === undefined ? { lookup: lookupPublic } : {}),
      headers: {
        'user-agent': 'plyfs',
        // What a proxy compresses on its way has neither its size nor its ranges.
        'accept-encoding': 'identity',
        ...headers,
        ...(isTls || proxy === undefined ? {} : forwardHeaders(url, proxy)),
        ...(length === undefined && !sends ? {} : { 'content-length': String(length ?? 0) }),
      },
    };
    const start = (take: (message: IncomingMessage) => void): ClientRequest => {
      if (isTls) return httpsRequest(url, options, take);
      return proxy === undefined ? httpRequest(url, options, take) : forward(url, proxy, { options, take });
    };
    return new Promise((resolve, reject) => {
      const outgoing = start((message) => {
        resolve(responseOf(message, url, { isProxied: proxy !== undefined }));
      });
      outgoing.on('error', reject);
      outgoing.on('timeout', () => outgoing.destroy(timedOut(url)));
      if (body === undefined || Buffer.isBuffer(body)) outgoing.end(body);
      // An answer that comes before the whole body was sent is the answer; the rest of the body does not matter then.
      else pipeline(body.open(), outgoing).catch(reject);
    });
  }
}

function forwardHeaders(url: URL, proxy: URL): Record<string, string> {
  const authorization = proxyAuthorization(proxy);
  return {
    host: url.host,
    ...(authorization === undefined ? {} : { 'proxy-authorization': authorization }),
  };
}

interface Forwarding {
  readonly options: RequestOptions;
  readonly take: (message: IncomingMessage) => void;
}

/** What goes in the clear a proxy is given whole, with the full address (RFC 9112, 3.2.2). */
function forward(url: URL, proxy: URL, { options, take }: Forwarding): ClientRequest {
  const isTls = proxy.protocol === 'https:';
  const there = { host: proxy.hostname.replace(/^\[|\]$/g, ''), port: proxy.port || (isTls ? 443 : 80) };
  if (!isTls) return httpRequest({ ...options, ...there, path: url.href }, take);
  return httpsRequest({ ...options, ...there, agent: false, path: url.href }, take);
}

function responseOf(
  message: IncomingMessage,
  url: URL,
  { isProxied }: { readonly isProxied: boolean },
): HttpResponse {
  return {
    status: message.statusCode ?? 0,
    url,
    isLocal: isProxied ? isLocalUrl(url) : isLocalAddress(message.socket.remoteAddress ?? ''),
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
export async function readBody(body: Readable, limitBytes: number, host: string): Promise<Buffer> {
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
