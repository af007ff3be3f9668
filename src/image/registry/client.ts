/**
 * One registry, by the OCI distribution-spec 1.1: manifests and blobs of its repositories, in both directions.
 *
 * A loopback registry, or any with `insecure`, may speak plain http: https is tried first. Answers that time may mend
 * (429, 5xx, a broken connection) are tried again. What is received is not trusted: who calls checks digests.
 */

import type { Readable } from 'node:stream';
import { UserError } from '../../errno/user-error.js';
import { type Digest, MEDIA_TYPE } from '../oci.js';
import { Authorization } from './authorization.js';
import type { Credentials } from './credentials.js';
import { type BodySource, collect, drain, HttpClient, type HttpResponse } from './http.js';
import { DEFAULT_RETRY, type RetryPolicy, retryAfterMs, TryLater, withRetry } from './retry.js';

export interface RegistryOptions {
  readonly credentials?: Credentials | undefined;
  /** Plain http and any certificate will do. */
  readonly insecure?: boolean;
  readonly retry?: RetryPolicy;
}

export interface ReceivedManifest {
  readonly bytes: Buffer;
  readonly mediaType: string;
}

interface Call {
  readonly method: string;
  /** Below `/v2/`, or absolute. */
  readonly path: string | URL;
  readonly scopes: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | BodySource;
}

/** The largest that a registry has to accept, and more than any real one. */
const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;
const MAX_ERROR_BYTES = 64 * 1024;

const MANIFEST_TYPES = [
  MEDIA_TYPE.manifest,
  MEDIA_TYPE.index,
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];

/** What of a TLS handshake says that the other side speaks plain http. */
const PLAIN_HTTP = new Set(['ECONNREFUSED', 'EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER', 'ECONNRESET']);

export class Registry implements Disposable {
  readonly host: string;
  private readonly http: HttpClient;
  private readonly authorization: Authorization;
  private readonly retry: RetryPolicy;
  private readonly mayBePlain: boolean;
  private base: Promise<URL> | undefined;

  /** `host`: HOST[:PORT]. */
  constructor(host: string, options: RegistryOptions = {}) {
    this.host = host;
    this.http = new HttpClient({ verify: options.insecure !== true });
    this.authorization = new Authorization(host, this.http, options.credentials);
    this.retry = options.retry ?? DEFAULT_RETRY;
    this.mayBePlain = options.insecure === true || isLoopback(host);
  }

  /**
   * @param reference a tag or a digest.
   * @throws UserError when there is none, or access is denied.
   */
  async manifest(repository: string, reference: string): Promise<ReceivedManifest> {
    return this.attempt(async () => {
      const response = await this.call({
        method: 'GET',
        path: `${repository}/manifests/${reference}`,
        scopes: [pullScope(repository)],
        headers: { accept: MANIFEST_TYPES.join(', ') },
      });
      if (response.status === 404) {
        await drain(response);
        throw new UserError(
          `no such image in the registry: '${this.host}/${repository}${suffix(reference)}'`,
        );
      }
      await this.expect(response, [200], `get the manifest of '${repository}'`);
      const bytes = await collect(response.body, MAX_MANIFEST_BYTES, this.host);
      return { bytes, mediaType: response.header('content-type')?.split(';')[0]?.trim() ?? '' };
    });
  }

  /**
   * A blob from `offset` on. `offset` in the answer is where it really begins: 0 when the registry knows no ranges.
   * One attempt: who reads it tries again from where it broke off.
   */
  async blob(repository: string, digest: Digest, offset = 0): Promise<{ body: Readable; offset: number }> {
    const response = await this.call({
      method: 'GET',
      path: `${repository}/blobs/${digest}`,
      scopes: [pullScope(repository)],
      headers: offset === 0 ? {} : { range: `bytes=${offset}-` },
    });
    await this.expect(response, [200, 206], `get the blob '${digest}' of '${repository}'`);
    return { body: response.body, offset: response.status === 206 ? offset : 0 };
  }

  /** A blob of at most `sizeBytes`, in memory. */
  async smallBlob(repository: string, digest: Digest, sizeBytes: number): Promise<Buffer> {
    return this.attempt(async () => {
      const { body } = await this.blob(repository, digest);
      return collect(body, sizeBytes, this.host);
    });
  }

  async hasBlob(repository: string, digest: Digest): Promise<boolean> {
    return this.has(repository, `${repository}/blobs/${digest}`);
  }

  async hasManifest(repository: string, digest: Digest): Promise<boolean> {
    return this.has(repository, `${repository}/manifests/${digest}`);
  }

  /** Takes a blob over from another repository of this registry. @returns false when the registry would not. */
  async mountBlob(repository: string, digest: Digest, from: string): Promise<boolean> {
    return this.attempt(async () => {
      const response = await this.call({
        method: 'POST',
        path: `${repository}/blobs/uploads/?mount=${digest}&from=${encodeURIComponent(from)}`,
        scopes: [pushScope(repository), pullScope(from)],
      });
      const { status } = response;
      await drain(response);
      // 202 began an ordinary upload instead, which is given up here and ends by itself.
      return status === 201;
    });
  }

  /** Uploads a blob as one piece. */
  async putBlob(repository: string, digest: Digest, source: BodySource): Promise<void> {
    const scopes = [pushScope(repository)];
    await this.attempt(async () => {
      const started = await this.call({ method: 'POST', path: `${repository}/blobs/uploads/`, scopes });
      await this.expect(started, [202], `begin an upload to '${repository}'`);
      await drain(started);
      const location = started.header('location');
      if (location === undefined) throw new UserError(`'${this.host}' names no place to upload to`);
      const url = new URL(location, started.url);
      url.searchParams.set('digest', digest);
      const done = await this.call({
        method: 'PUT',
        path: url,
        scopes,
        headers: { 'content-type': 'application/octet-stream' },
        body: source,
      });
      await this.expect(done, [201], `upload the blob '${digest}' to '${repository}'`);
      await drain(done);
    });
  }

  /** @returns the digest that the registry gave it, when it says so. */
  async putManifest(
    repository: string,
    reference: string,
    { bytes, mediaType }: ReceivedManifest,
  ): Promise<Digest | undefined> {
    return this.attempt(async () => {
      const response = await this.call({
        method: 'PUT',
        path: `${repository}/manifests/${reference}`,
        scopes: [pushScope(repository)],
        headers: { 'content-type': mediaType },
        body: bytes,
      });
      await this.expect(response, [201, 200], `put the manifest of '${repository}${suffix(reference)}'`);
      await drain(response);
      return response.header('docker-content-digest');
    });
  }

  [Symbol.dispose](): void {
    this.http[Symbol.dispose]();
  }

  private async has(repository: string, path: string): Promise<boolean> {
    return this.attempt(async () => {
      const response = await this.call({ method: 'HEAD', path, scopes: [pushScope(repository)] });
      if (response.status !== 404) await this.expect(response, [200], `look for '${path}'`);
      await drain(response);
      return response.status === 200;
    });
  }

  private attempt<T>(attempt: () => Promise<T>): Promise<T> {
    return reaching(this.host, () => withRetry(this.retry, attempt));
  }

  /** An answer, with a 401 answered once. */
  private async call({ method, path, scopes, headers, body }: Call): Promise<HttpResponse> {
    const url = path instanceof URL ? path : new URL(path, await this.baseUrl());
    const isOurs = url.host === (await this.baseUrl()).host;
    for (let attempt = 1; ; attempt += 1) {
      const authorization = isOurs ? this.authorization.headerFor(scopes) : {};
      const response = await this.http.send({
        method,
        url,
        headers: { ...headers, ...authorization },
        ...(body === undefined ? {} : { body }),
      });
      if (response.status !== 401 || !isOurs) return response;
      await drain(response);
      if (attempt === 2) throw this.authorization.refused();
      await this.authorization.answer(response.header('www-authenticate'), scopes, url);
    }
  }

  private baseUrl(): Promise<URL> {
    this.base ??= this.findBase();
    return this.base;
  }

  /** https, or http where that is allowed and the other does not answer. */
  private async findBase(): Promise<URL> {
    const secure = new URL(`https://${this.host}/v2/`);
    if (!this.mayBePlain) return secure;
    try {
      await drain(await this.http.send({ method: 'GET', url: secure }));
      return secure;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === undefined || !(PLAIN_HTTP.has(code) || code.startsWith('ERR_SSL'))) throw error;
      return new URL(`http://${this.host}/v2/`);
    }
  }

  /** @throws TryLater or UserError for any other status; the body is read then. */
  private async expect(response: HttpResponse, statuses: readonly number[], what: string): Promise<void> {
    const { status } = response;
    if (statuses.includes(status)) return;
    const said = messageOf(await collect(response.body, MAX_ERROR_BYTES, this.host));
    const text = `cannot ${what}: '${this.host}' answered ${status}${said === '' ? '' : `: ${said}`}`;
    if (status === 429 || status >= 500)
      throw new TryLater(text, retryAfterMs(response.header('retry-after')));
    if (status === 403) throw this.authorization.refused();
    throw new UserError(text);
  }
}

/**
 * Runs `work`; a fault of the network becomes one line for the user.
 * @throws UserError
 */
export async function reaching<T>(host: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (error instanceof UserError || code === undefined) throw error;
    const hint = /^(ERR_SSL|ERR_TLS|CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO|EPROTO)/.test(code)
      ? 'use --insecure for plain http or a certificate that cannot be verified'
      : undefined;
    throw new UserError(`cannot reach the registry '${host}': ${message || code}`, { hint, cause: error });
  }
}

/** Of a manifest or an index: what is asked for below `manifests/`. */
export function isManifestType(mediaType: string): boolean {
  return MANIFEST_TYPES.includes(mediaType);
}

export function isLoopback(host: string): boolean {
  const name = host.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  return (
    name === 'localhost' || name.endsWith('.localhost') || /^127\.\d+\.\d+\.\d+$/.test(name) || name === '::1'
  );
}

function pullScope(repository: string): string {
  return `repository:${repository}:pull`;
}

function pushScope(repository: string): string {
  return `repository:${repository}:pull,push`;
}

function suffix(reference: string): string {
  return reference.includes(':') ? `@${reference}` : `:${reference}`;
}

/** `errors[].message` of the spec's error body. */
function messageOf(body: Buffer): string {
  try {
    const { errors } = JSON.parse(body.toString('utf8')) as {
      errors?: { code?: string; message?: string }[];
    };
    return (errors ?? []).map(({ code, message }) => message ?? code ?? '').join(', ');
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return '';
    throw error;
  }
}
