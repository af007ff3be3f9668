/**
 * The Authorization header for a registry: basic, or tokens of the distribution token protocol
 * (distribution/docs, "Token Authentication" and "OAuth2"), kept for each scope.
 */

import { UserError } from '../../../errno/user-error.js';
import { drain, type HttpClient, type HttpRequest, type HttpResponse, readBody } from '../http.js';
import { parseChallenges } from './challenge.js';
import type { Credentials } from './docker-config.js';

const MAX_TOKEN_BYTES = 1024 * 1024;

export class Authorization {
  readonly #host: string;
  readonly #http: HttpClient;
  readonly #credentials: Credentials | undefined;
  readonly #tokens = new Map<string, string>();
  #isBasic = false;

  constructor(host: string, http: HttpClient, credentials: Credentials | undefined) {
    this.#host = host;
    this.#http = http;
    this.#credentials = credentials;
  }

  /** What is known to be right for the scopes, before the registry has asked. */
  headerFor(scopes: readonly string[]): Record<string, string> {
    const token = this.#tokens.get(scopes.join(' '));
    if (token !== undefined) return { authorization: `Bearer ${token}` };
    return this.#isBasic && this.#credentials ? { authorization: basic(this.#credentials) } : {};
  }

  /**
   * Answers a 401 of the registry itself: after it, headerFor() has what the registry asked for.
   * @throws UserError when there are no credentials, or they are refused.
   */
  async answer(asked: HttpResponse, scopes: readonly string[]): Promise<void> {
    const challenges = parseChallenges(asked.header('www-authenticate') ?? '');
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
    if (bearer) {
      this.#tokens.set(scopes.join(' '), await this.#fetchToken(bearer.parameters, scopes, asked));
      return;
    }
    if (!challenges.some(({ scheme }) => scheme === 'basic')) {
      const offered = challenges.map(({ scheme }) => `'${scheme}'`).join(', ') || 'nothing';
      throw new UserError(`cannot log in to '${this.#host}': it offers ${offered}, not 'basic' or 'bearer'`);
    }
    if (this.#credentials === undefined || this.#credentials.username === '') throw this.refused();
    this.#isBasic = true;
  }

  /** `said`: the registry's own words. */
  refused(said = ''): UserError {
    const why = said === '' ? '' : `: ${said}`;
    if (this.#credentials === undefined) {
      return new UserError(`access to '${this.#host}' denied: no credentials for it${why}`, {
        hint: `'plyfs login ${this.#host}' keeps them, as 'docker login' does`,
      });
    }
    const { username } = this.#credentials;
    const who = username === '' ? 'by the identity token' : `for user '${username}'`;
    return new UserError(`access to '${this.#host}' denied ${who}${why}`);
  }

  async #fetchToken(
    { realm, service }: Readonly<Record<string, string>>,
    scopes: readonly string[],
    asked: HttpResponse,
  ): Promise<string> {
    if (realm === undefined || !URL.canParse(realm)) {
      throw new UserError(`cannot log in to '${this.#host}': its challenge names no realm`);
    }
    const url = new URL(realm);
    // A password that came by https does not go out in the clear.
    if (url.protocol !== 'https:' && (url.protocol !== 'http:' || asked.url.protocol === 'https:')) {
      throw new UserError(`cannot log in to '${this.#host}': its realm '${realm}' is not safe`);
    }
    const response = await this.#requestToken({ method: 'GET', url, isLed: !asked.isLocal }, service, scopes);
    if (response.status === 401 || response.status === 403) {
      await drain(response);
      throw this.refused();
    }
    const body = await readBody(response.body, MAX_TOKEN_BYTES, this.#host);
    if (response.status !== 200) {
      throw new UserError(`cannot log in to '${this.#host}': '${url.host}' answered ${response.status}`);
    }
    return tokenOf(body, this.#host);
  }

  #requestToken(
    request: HttpRequest,
    service: string | undefined,
    scopes: readonly string[],
  ): Promise<HttpResponse> {
    const { url } = request;
    const identity = this.#credentials?.identityToken;
    if (identity !== undefined) {
      const form = new URLSearchParams({
        grant_type: 'refresh_token',
        client_id: 'plyfs',
        refresh_token: identity,
        scope: scopes.join(' '),
        ...(service === undefined ? {} : { service }),
      });
      return this.#http.send({
        ...request,
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: Buffer.from(form.toString()),
      });
    }
    if (service !== undefined) url.searchParams.set('service', service);
    for (const scope of scopes) url.searchParams.append('scope', scope);
    const headers = this.#credentials ? { authorization: basic(this.#credentials) } : {};
    return this.#http.send({ ...request, headers });
  }
}

function basic({ username, password }: Credentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function tokenOf(body: Buffer, host: string): string {
  let value: { token?: unknown; access_token?: unknown };
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw new UserError(`cannot log in to '${host}': the token is no JSON`, { cause: error });
  }
  const token = value.token ?? value.access_token;
  if (typeof token !== 'string' || token === '') {
    throw new UserError(`cannot log in to '${host}': the answer has no token`);
  }
  return token;
}
