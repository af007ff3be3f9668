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
import { UserError } from '../../errno/user-error.js';

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
}

export interface HttpResponse {
  readonly status: number;
  /** After redirects. */
  readonly url: URL;
  header(name: string): string | undefined;
  /** Must be read to its end or destroyed. */
  readonly body: Readable;
}

/** Without a byte for so long, a request has failed. */
const IDLE_TIMEOUT_MS = 60_000;
const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

export class HttpClient implements Disposable {
  private readonly http = new HttpAgent({ keepAlive: true });
  private readonly https: HttpsAgent;

  /** `verify: false` takes any certificate. */
  constructor({ verify }: { readonly verify: boolean }) {
    this.https = new HttpsAgent({ keepAlive: true, rejectUnauthorized: verify });
  }

  /**
   * Sends a request; redirects of GET and HEAD are followed, without credentials once the host changes.
   * @throws Error of node:net or node:tls, with its code.
   */
  async send(request: HttpRequest): Promise<HttpResponse> {
    let current = request;
    for (let hop = 0; ; hop += 1) {
      const response = await this.exchange(current);
      const target = REDIRECTS.has(response.status) ? response.header('location') : undefined;
      const isSafe = current.method === 'GET' || current.method === 'HEAD';
      if (target === undefined || !isSafe || hop === MAX_REDIRECTS) return response;
      await drain(response);
      current = redirected(current, new URL(target, current.url));
    }
  }

  [Symbol.dispose](): void {
    this.http.destroy();
    this.https.destroy();
  }

  private exchange({ method, url, headers, body }: HttpRequest): Promise<HttpResponse> {
    const isTls = url.protocol === 'https:';
    const length = body === undefined ? undefined : Buffer.isBuffer(body) ? body.byteLength : body.sizeBytes;
    const sends = method === 'POST' || method === 'PUT' || method === 'PATCH';
    const options = {
      method,
      agent: isTls ? this.https : this.http,
      timeout: IDLE_TIMEOUT_MS,
      headers: {
        'user-agent': 'plyfs',
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

/** Reads a body away, so that its connection can be used again. */
export async function drain(response: HttpResponse): Promise<void> {
  for await (const _ of response.body) {
    // Nothing is kept.
  }
}

/** The whole body. @throws UserError when it is longer than `limitBytes`. */
export async function collect(body: Readable, limitBytes: number, host: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > limitBytes) {
      body.destroy();
      throw new UserError(`an answer of '${host}' is longer than ${limitBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
