/**
 * A registry in the test's own process: blobs and manifests in memory, with faults on demand. The real one
 * (docker-registry) is used by test/cli; this one breaks connections where a test wants it.
 */

import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
}

type Handler = (request: IncomingMessage, response: ServerResponse) => boolean;

export class FakeRegistry implements AsyncDisposable {
  readonly blobs = new Map<string, Buffer>();
  readonly manifests = new Map<string, { bytes: Buffer; mediaType: string }>();
  readonly seen: SeenRequest[] = [];
  /** Asked first, the last added before the others; true: it has answered. */
  readonly handlers: Handler[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<FakeRegistry> {
    const server = createServer();
    const registry = new FakeRegistry(server);
    server.on('request', (request, response) => registry.#answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return registry;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  addBlob(bytes: Buffer): string {
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    this.blobs.set(digest, bytes);
    return digest;
  }

  requests(method: string, pattern: RegExp): SeenRequest[] {
    return this.seen.filter((request) => request.method === method && pattern.test(request.url));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { method = '', url = '' } = request;
    this.seen.push({ method, url, headers: request.headers });
    if (this.handlers.toReversed().some((handle) => handle(request, response))) return;
    if (url === '/v2/') {
      response.writeHead(200).end();
      return;
    }
    if (method === 'GET') this.#get(request, response);
    else if (method === 'HEAD') this.#head(url, response);
    else this.#receive(request, response);
  }

  #get(request: IncomingMessage, response: ServerResponse): void {
    const { url = '' } = request;
    const manifest = this.manifests.get(url.replace(/^.*\/manifests\//, ''));
    if (manifest && url.includes('/manifests/')) {
      response.writeHead(200, { 'content-type': manifest.mediaType }).end(manifest.bytes);
      return;
    }
    const blob = this.blobs.get(url.replace(/^.*\/blobs\//, ''));
    if (!blob) {
      response.writeHead(404).end('{"errors":[{"code":"UNKNOWN","message":"not here"}]}');
      return;
    }
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const { byteLength } = blob;
    if (from === 0) response.writeHead(200).end(blob);
    else {
      const range = `bytes ${from}-${byteLength - 1}/${byteLength}`;
      response.writeHead(206, { 'content-range': range }).end(blob.subarray(from));
    }
  }

  #head(url: string, response: ServerResponse): void {
    const key = url.replace(/^.*\/(blobs|manifests)\//, '');
    response.writeHead(this.blobs.has(key) || this.manifests.has(key) ? 200 : 404).end();
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => this.#store(request, response, Buffer.concat(chunks)));
  }

  #store(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const url = new URL(request.url ?? '', 'http://x');
    if (request.method === 'POST') {
      const mounted = url.searchParams.get('mount');
      if (mounted !== null && this.blobs.has(mounted)) response.writeHead(201).end();
      else response.writeHead(202, { location: `${url.pathname}session?state=1` }).end();
      return;
    }
    if (url.pathname.includes('/manifests/')) {
      const reference = url.pathname.replace(/^.*\/manifests\//, '');
      this.manifests.set(reference, { bytes: body, mediaType: request.headers['content-type'] ?? '' });
      response.writeHead(201).end();
      return;
    }
    const isRight = this.addBlob(body) === url.searchParams.get('digest');
    response.writeHead(isRight ? 201 : 400).end(isRight ? '' : '{"errors":[{"message":"digest invalid"}]}');
  }
}
