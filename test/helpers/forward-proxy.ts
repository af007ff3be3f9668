/**
 * A small proxy: forwards what comes with a full address, connects for CONNECT. Every name leads to this host, so a name
 * that nobody can look up shows that the proxy was asked.
 */

import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';

export class ForwardProxy implements AsyncDisposable {
  /** `METHOD TARGET` of what it was asked for. */
  readonly seen: string[] = [];
  /** `USER:PASSWORD` that it wants. */
  credentials: string | undefined;
  /** Answers each CONNECT with this status. */
  refusal: number | undefined;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<ForwardProxy> {
    const server = createServer();
    const proxy = new ForwardProxy(server);
    server.on('request', (incoming, response) => proxy.#forward(incoming, response));
    server.on('connect', (incoming, socket) => proxy.#connect(incoming, socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #isKnown({ method = '', url = '', headers }: IncomingMessage): boolean {
    this.seen.push(`${method} ${url}`);
    if (this.credentials === undefined) return true;
    return headers['proxy-authorization'] === `Basic ${Buffer.from(this.credentials).toString('base64')}`;
  }

  #forward(incoming: IncomingMessage, response: ServerResponse): void {
    if (!this.#isKnown(incoming)) {
      response.writeHead(407).end();
      return;
    }
    const { pathname, search, port } = new URL(incoming.url ?? '');
    const { 'proxy-authorization': _, ...headers } = incoming.headers;
    const options = { host: '127.0.0.1', port, method: incoming.method, path: pathname + search, headers };
    const outgoing = request(options, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    outgoing.on('error', () => response.destroy());
    incoming.pipe(outgoing);
  }

  #connect(incoming: IncomingMessage, socket: Duplex): void {
    const status = this.#isKnown(incoming) ? this.refusal : 407;
    socket.on('error', () => socket.destroy());
    if (status !== undefined) {
      socket.end(`HTTP/1.1 ${status} No\r\n\r\n`);
      return;
    }
    const port = Number(/:(\d+)$/.exec(incoming.url ?? '')?.[1]);
    const remote = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connected\r\n\r\n');
      remote.pipe(socket).pipe(remote);
    });
    remote.on('error', () => socket.destroy());
    socket.on('close', () => remote.destroy());
  }
}
