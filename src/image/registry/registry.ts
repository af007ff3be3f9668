/**
 * One registry, by the OCI distribution-spec 1.1: manifests and blobs of its repositories, in both directions.
 *
 * A loopback registry, or any with `insecure`, may speak plain http: https is tried first. Answers that time may mend
 * (429, 5xx, a broken connection) are tried again. What is received is not trusted: the caller checks digests.
 */

import { STATUS_CODES } from 'node:http';
import { UserError } from '../../errno/user-error.js';
import { type Digest, MEDIA_TYPE } from '../oci/oci.js';
import { type Decoded, decoded, isRestOf } from './content.js';
import { type BodySource, drain, firstBytes, HttpClient, type HttpResponse, readBody } from './http.js';
import { findBase, isLoopback, reaching } from './reach.js';
import { DEFAULT_RETRY, type RetryPolicy, retryAfterMs, TryLater, withRetry } from './retry.js';
import { Authorization } from './sign-in/authorization.js';
import type { Credentials } from './sign-in/docker-config.js';
import { trustedContext } from './sign-in/trust.js';

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

/** Which blob, and how long the manifest says that it is. */
interface BlobName {
  readonly digest: Digest;
  readonly size: number;
  /** Where it is got, before the registry is asked. */
  readonly elsewhere?: readonly URL[];
}

interface ReceivedBlob extends Decoded {
  /** Where it begins: what was asked for, or 0. */
  readonly offset: number;
}

interface Call {
  readonly method: string;
  /** Below `/v2/`, or absolute. */
  readonly path: string | URL;
  readonly scopes: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | BodySource;
  /** A second 401 is an answer, no error. */
  readonly mayBeRefused?: boolean;
}

/** The largest that a registry has to accept, and more than any real one. */
const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;
const MAX_ERROR_BYTES = 64 * 1024;
const MAX_TAGS = 1_000_000;

const MANIFEST_TYPES = [
  MEDIA_TYPE.manifest,
  MEDIA_TYPE.index,
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];

export class Registry implements Disposable {
  readonly host: string;
  readonly #http: HttpClient;
  readonly #authorization: Authorization;
  readonly #retry: RetryPolicy;
  readonly #mayBePlain: boolean;
  #base: Promise<URL> | undefined;
  /** The registry is on this host or its link. */
  #isLocal = false;

  /** `host`: HOST[:PORT]. */
  constructor(host: string, options: RegistryOptions = {}) {
    this.host = host;
    this.#http = new HttpClient({ verify: options.insecure !== true, trust: () => trustedContext(host) });
    this.#authorization = new Authorization(host, this.#http, options.credentials);
    this.#retry = options.retry ?? DEFAULT_RETRY;
    this.#mayBePlain = options.insecure === true || isLoopback(host);
  }

  /** Whether the registry takes the credentials. @throws UserError when it does not. */
  async login(): Promise<void> {
    await this.#attempt(async () => {
      const url = await this.#baseUrl();
      const response = await this.#call({ method: 'GET', path: url, scopes: [], mayBeRefused: true });
      await drain(response);
      if (response.status === 200) return;
      const what = `login attempt to ${url.href} failed with status: ${response.status}`;
      throw new UserError(`${what} ${STATUS_CODES[response.status] ?? ''}`.trimEnd());
    });
  }

  /**
   * @param reference a tag or a digest.
   * @throws UserError when there is none, or access is denied.
   */
  async manifest(repository: string, reference: string): Promise<ReceivedManifest> {
    return this.#attempt(async () => {
      const response = await this.#call({
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
      await this.#expect(response, [200], `get the manifest of '${repository}'`);
      const bytes = await readBody(decoded(response).body, MAX_MANIFEST_BYTES, this.host);
      return { bytes, mediaType: response.header('content-type')?.split(';')[0]?.trim() ?? '' };
    });
  }

  /**
   * A blob from `offset` on; from its first byte where the registry knows no ranges, or gives another than was asked for.
   * One attempt: the reader tries again from where it broke off.
   */
  async blob(repository: string, name: BlobName, offset = 0): Promise<ReceivedBlob> {
    const { digest, size } = name;
    const response = await this.#findBlob(repository, name, offset);
    const isRest = isRestOf(response, offset, size);
    if (offset > 0 && !isRest) {
      await drain(response);
      return this.blob(repository, name);
    }
    await this.#expect(response, isRest ? [200, 206] : [200], `get the blob '${digest}' of '${repository}'`);
    const { body, sizeBytes, isWhole } = decoded(response, size);
    return { body, sizeBytes, isWhole, offset: response.status === 206 ? offset : 0 };
  }

  /** The first address that has it, else the registry. */
  async #findBlob(
    repository: string,
    { digest, elsewhere = [] }: BlobName,
    offset: number,
  ): Promise<HttpResponse> {
    const headers: Record<string, string> = offset === 0 ? {} : { range: `bytes=${offset}-` };
    for (const path of elsewhere) {
      const response = await this.#call({ method: 'GET', path, scopes: [], headers });
      if (response.status === 200 || response.status === 206) return response;
      await drain(response);
    }
    const path = `${repository}/blobs/${digest}`;
    return this.#call({ method: 'GET', path, scopes: [pullScope(repository)], headers });
  }

  /** A blob of at most `sizeBytes`, in memory. */
  async smallBlob(repository: string, digest: Digest, sizeBytes: number): Promise<Buffer> {
    return this.#attempt(async () => {
      const { body } = await this.blob(repository, { digest, size: sizeBytes });
      return readBody(body, sizeBytes, this.host);
    });
  }

  /** All tags of a repository, in the order that the registry has. @throws UserError when there is no such repository. */
  async tags(repository: string): Promise<string[]> {
    const found: string[] = [];
    for (let path: string | URL | undefined = `${repository}/tags/list`; path !== undefined; ) {
      const page: TagPage = await this.#tagPage(repository, path);
      found.push(...page.tags);
      if (found.length > MAX_TAGS) throw new UserError(`'${this.host}/${repository}' has too many tags`);
      // A page that brings nothing has none after it.
      path = page.tags.length === 0 ? undefined : page.next;
    }
    return found;
  }

  async hasBlob(repository: string, digest: Digest): Promise<boolean> {
    return this.#has(repository, `${repository}/blobs/${digest}`);
  }

  async hasManifest(repository: string, digest: Digest): Promise<boolean> {
    return this.#has(repository, `${repository}/manifests/${digest}`);
  }

  /**
   * Takes a blob over from another repository of this registry.
   * @returns true; or where to upload it, when the registry began an upload instead; or false.
   */
  async mountBlob(repository: string, digest: Digest, from: string): Promise<boolean | URL> {
    return this.#attempt(async () => {
      const response = await this.#call({
        method: 'POST',
        path: `${repository}/blobs/uploads/?mount=${digest}&from=${encodeURIComponent(from)}`,
        scopes: [pushScope(repository), pullScope(from)],
        mayBeRefused: true,
      });
      await drain(response);
      if (response.status === 201) return true;
      return response.status === 202 ? this.#uploadUrl(response) : false;
    });
  }

  /** Uploads a blob as one piece; `begun`: an upload that mountBlob() gave. */
  async putBlob(repository: string, digest: Digest, source: BodySource, begun?: URL): Promise<void> {
    const scopes = [pushScope(repository)];
    let known = begun;
    await this.#attempt(async () => {
      const url = known ?? (await this.#beginUpload(repository, scopes));
      known = undefined;
      url.searchParams.set('digest', digest);
      const done = await this.#call({
        method: 'PUT',
        path: url,
        scopes,
        headers: { 'content-type': 'application/octet-stream' },
        body: source,
      });
      await this.#expect(done, [201], `upload the blob '${digest}' to '${repository}'`);
      await drain(done);
    });
  }

  /** @returns the digest that the registry gave it, when it says so. */
  async putManifest(
    repository: string,
    reference: string,
    { bytes, mediaType }: ReceivedManifest,
  ): Promise<Digest | undefined> {
    return this.#attempt(async () => {
      const response = await this.#call({
        method: 'PUT',
        path: `${repository}/manifests/${reference}`,
        scopes: [pushScope(repository)],
        headers: { 'content-type': mediaType },
        body: bytes,
      });
      await this.#expect(response, [201, 200], `put the manifest of '${repository}${suffix(reference)}'`);
      await drain(response);
      return response.header('docker-content-digest');
    });
  }

  [Symbol.dispose](): void {
    this.#http[Symbol.dispose]();
  }

  async #tagPage(repository: string, path: string | URL): Promise<TagPage> {
    return this.#attempt(async () => {
      const response = await this.#call({ method: 'GET', path, scopes: [pullScope(repository)] });
      if (response.status === 404) {
        await drain(response);
        throw new UserError(`no such repository in the registry: '${this.host}/${repository}'`);
      }
      await this.#expect(response, [200], `list the tags of '${repository}'`);
      const bytes = await readBody(decoded(response).body, MAX_MANIFEST_BYTES, this.host);
      return { tags: tagsOf(bytes, this.host), next: nextPage(response) };
    });
  }

  async #beginUpload(repository: string, scopes: readonly string[]): Promise<URL> {
    const started = await this.#call({ method: 'POST', path: `${repository}/blobs/uploads/`, scopes });
    await this.#expect(started, [202], `begin an upload to '${repository}'`);
    await drain(started);
    return this.#uploadUrl(started);
  }

  /** @throws UserError when it is none, or would send in the clear what https is to carry. */
  #uploadUrl({ header, url }: HttpResponse): URL {
    const location = header('location');
    const target = URL.canParse(location ?? 'http:', url.href) ? new URL(location ?? '', url) : undefined;
    const isSafe = target?.protocol === 'https:' || (target?.protocol === 'http:' && this.#mayBePlain);
    if (location !== undefined && target !== undefined && isSafe) return target;
    throw new UserError(`'${this.host}' names no place to upload to, but '${location ?? ''}'`);
  }

  async #has(repository: string, path: string): Promise<boolean> {
    return this.#attempt(async () => {
      const response = await this.#call({ method: 'HEAD', path, scopes: [pushScope(repository)] });
      if (response.status !== 404) await this.#expect(response, [200], `look for '${path}'`);
      await drain(response);
      return response.status === 200;
    });
  }

  #attempt<T>(attempt: () => Promise<T>): Promise<T> {
    return reaching(this.host, () => withRetry(this.#retry, attempt));
  }

  /** An answer, with a 401 answered once. */
  async #call({ method, path, scopes, headers, body, mayBeRefused = false }: Call): Promise<HttpResponse> {
    const url = path instanceof URL ? path : new URL(path, await this.#baseUrl());
    const { origin } = await this.#baseUrl();
    const isOurs = url.origin === origin;
    for (let attempt = 1; ; attempt += 1) {
      const authorization = isOurs ? this.#authorization.headerFor(scopes) : {};
      const response = await this.#http.send({
        method,
        url,
        headers: { ...headers, ...authorization },
        isLed: !isOurs && !this.#isLocal,
        ...(body === undefined ? {} : { body }),
      });
      // Another host, which a redirect leads to, gets no credentials when it asks for them.
      const isAsked = response.status === 401 && response.url.origin === origin;
      if (response.url.origin === origin) this.#isLocal = response.isLocal;
      if (!isAsked || !isOurs || (attempt === 2 && mayBeRefused)) return response;
      await drain(response);
      if (attempt === 2) throw this.#authorization.refused();
      await this.#authorization.answer(response, scopes);
    }
  }

  #baseUrl(): Promise<URL> {
    this.#base ??= findBase(this.host, { mayBePlain: this.#mayBePlain }).catch((error: unknown) => {
      // The next attempt asks again.
      this.#base = undefined;
      throw error;
    });
    return this.#base;
  }

  /** @throws TryLater or UserError for any other status; the body is read then. */
  async #expect(response: HttpResponse, statuses: readonly number[], what: string): Promise<void> {
    const { status } = response;
    if (statuses.includes(status)) return;
    const said = messageOf(await firstBytes(response.body, MAX_ERROR_BYTES));
    if (status === 403) throw this.#authorization.refused(said);
    const text = `cannot ${what}: '${answeredBy(response, this.host)}' answered ${status}${said === '' ? '' : `: ${said}`}`;
    if (status !== 429 && status < 500) throw new UserError(text);
    const pauseMs = retryAfterMs(response.header('retry-after'));
    const hint = pauseMs === undefined ? '' : ` (come again in ${Math.ceil(pauseMs / 1000)} s)`;
    throw new TryLater(`${text}${hint}`, pauseMs);
  }
}

/** Whether it is a manifest or an index, which are asked for below `manifests/`. */
export function isManifestType(mediaType: string): boolean {
  return MANIFEST_TYPES.includes(mediaType);
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

interface TagPage {
  readonly tags: readonly string[];
  readonly next: URL | undefined;
}

function tagsOf(bytes: Buffer, host: string): string[] {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new UserError(`the list of tags of '${host}' is no JSON`, { cause: error });
  }
  const tags = ((value ?? {}) as { tags?: unknown }).tags ?? [];
  if (Array.isArray(tags) && tags.every((tag) => typeof tag === 'string')) return tags;
  throw new UserError(`the list of tags of '${host}' is none`);
}

/** RFC 8288, as the distribution-spec has it: `<URL>; rel="next"`. */
function nextPage({ header, url }: HttpResponse): URL | undefined {
  const target = /<([^>]*)>\s*;[^,]*\brel="?next"?/i.exec(header('link') ?? '')?.[1];
  return target !== undefined && URL.canParse(target, url.href) ? new URL(target, url) : undefined;
}

/** The registry, or the host that it led to. */
function answeredBy({ url }: HttpResponse, host: string): string {
  return url.host === new URL(`${url.protocol}//${host}`).host ? host : url.host;
}
