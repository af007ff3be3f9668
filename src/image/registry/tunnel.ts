/** TLS through a proxy: CONNECT (RFC 9110, 9.3.6), then the handshake with the host itself, whose certificate counts. */

import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent, type AgentOptions, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect } from 'node:tls';
import { reasonOf } from '../../errno/reason.js';
import { UserError } from '../../errno/user-error.js';
import { proxyAuthorization } from './proxy.js';

const CONNECT_TIMEOUT_MS = 60_000;

type Created = (error: Error | null, stream: Duplex) => void;

/** The proxy answers, and does not connect. */
export class ProxyRefusal extends UserError {}

export class TunnelAgent extends Agent {
  readonly #proxy: URL;

  constructor(proxy: URL, options: AgentOptions) {
    super(options);
    this.#proxy = proxy;
  }

  override createConnection(
    options: ConnectionOptions & { servername?: string },
    created?: Created,
  ): undefined {
    const { host = '', port = 443 } = options;
    const target = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    const done = created as (error: Error | null, stream?: Duplex) => void;
    const asking = this.#ask(target);
    asking.on('error', (error) => done(this.#unreachable(error)));
    asking.on('timeout', () => asking.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })));
    asking.on('connect', (answer: IncomingMessage, socket: Socket) => {
      if (answer.statusCode === 200) {
        done(null, connect({ ...options, socket }));
        return;
      }
      socket.destroy();
      done(this.#refused(target, answer));
    });
    asking.end();
    return undefined;
  }

  #ask(target: string): ClientRequest {
    const { protocol, hostname, port } = this.#proxy;
    const authorization = proxyAuthorization(this.#proxy);
    const isTls = protocol === 'https:';
    return (isTls ? httpsRequest : httpRequest)({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port || (isTls ? 443 : 80),
      method: 'CONNECT',
      path: target,
      agent: false,
      timeout: CONNECT_TIMEOUT_MS,
      headers: {
        host: target,
        'user-agent': 'plyfs',
        ...(authorization === undefined ? {} : { 'proxy-authorization': authorization }),
      },
    });
  }

  #unreachable(error: Error): UserError {
    return new UserError(`cannot reach the proxy '${this.#proxy.host}': ${reasonOf(error)}`, {
      hint: 'HTTPS_PROXY names it',
      cause: error,
    });
  }

  #refused(target: string, { statusCode, statusMessage }: IncomingMessage): UserError {
    const hint =
      statusCode === 407
        ? 'give a user as http://USER:PASSWORD@HOST:PORT in HTTPS_PROXY'
        : 'NO_PROXY lists what needs no proxy';
    return new ProxyRefusal(
      `the proxy '${this.#proxy.host}' does not connect to '${target}': ${statusCode} ${statusMessage ?? ''}`.trimEnd(),
      { hint },
    );
  }
}
