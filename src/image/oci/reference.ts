/**
 * Names of images: `[HOST[:PORT]/]PATH[:TAG][@DIGEST]`, as docker and distribution/reference spell them.
 *
 * INVARIANT: what names one image in docker is one Reference: `x`, `library/x`, `docker.io/x` and
 * `index.docker.io/library/x` have the host docker.io and the path library/x, and are shown as `x`.
 */

import { UserError } from '../../errno/user-error.js';
import type { Digest } from './oci.js';

export interface Reference {
  /** `localhost:5000`, `registry.example`; docker.io where the name says none. */
  readonly host: string;
  /** `library/debian`. */
  readonly path: string;
  /** `latest` when neither tag nor digest is given. */
  readonly tag?: string;
  readonly digest?: Digest;
}

const PATH = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/;
/** A name of DNS or an address, `[...]` for IPv6, and a port. */
const HOST =
  /^(?:[a-z\d](?:[a-z\d-]*[a-z\d])?(?:\.[a-z\d](?:[a-z\d-]*[a-z\d])?)*|\[[\da-f:.]+\])(?::(\d{1,5}))?$/i;
const MAX_PORT = 65_535;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
const MAX_NAME = 255;

/** @throws UserError `invalid reference format: 'TEXT'`, and why. */
export function parseReference(text: string): Reference {
  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  const named = at < 0 ? text : text.slice(0, at);
  const slash = named.lastIndexOf('/');
  const colon = named.indexOf(':', slash + 1);
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  const name = colon < 0 ? named : named.slice(0, colon);
  const { host, path } = splitHost(name);
  if (name === '') throw invalid(text, 'the name is empty');
  if (name.length > MAX_NAME) throw invalid(text, `the name is longer than ${MAX_NAME} characters`);
  if (!isHost(host)) throw invalid(text, `'${host}' is no host`);
  if (!PATH.test(path)) {
    const why = path === path.toLowerCase() ? `'${path}' is no name` : 'the name must be lowercase';
    throw invalid(text, why);
  }
  if (tag !== undefined && !TAG.test(tag)) throw invalid(text, `'${tag}' is no tag`);
  if (digest !== undefined && !DIGEST.test(digest)) {
    const isUpper = DIGEST.test(digest.toLowerCase());
    throw invalid(
      text,
      `'${digest}' is no sha256 digest${isUpper ? ': its hex digits must be lower case' : ''}`,
    );
  }
  return {
    host,
    path: isOfficial({ host, path }) ? `${OFFICIAL}${path}` : path,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
    ...(tag === undefined && digest === undefined ? { tag: 'latest' } : {}),
  };
}

/** Whether it is `HOST[:PORT]`; a number that is too large for an address is none. */
export function isHost(text: string): boolean {
  const port = HOST.exec(text);
  return port !== null && Number(port[1] ?? 0) <= MAX_PORT && URL.canParse(`https://${text}/`);
}

/**
 * `HOST/PATH:TAG@DIGEST`, in the short form that docker shows: without docker.io and library.
 * DEVIATION: docker.io stays before a path that would be read as another host's without it (test/unit/image/reference.test.ts).
 */
export function formatReference({ host, path, tag, digest }: Reference): string {
  const shortPath = path.slice(OFFICIAL.length);
  const isShort = host === DOCKER_HUB && path.startsWith(OFFICIAL) && isOfficial({ host, path: shortPath });
  const isNamed = host !== DOCKER_HUB || splitHost(path).path !== path;
  const name = isShort ? shortPath : isNamed ? `${host}/${path}` : path;
  return `${name}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

/** As formatReference() has it, of a name that may be none of ours: those that other tools put into the store stay. */
export function shortName(text: string): string {
  if (!/^(?:index\.)?docker\.io\/|^library\//.test(text)) return text;
  try {
    return formatReference(parseReference(text));
  } catch (error) {
    if (error instanceof UserError) return text;
    throw error;
  }
}

/** Where a registry answers: docker.io is the name of a service, and has another address. */
export function registryHost({ host }: Pick<Reference, 'host'>): string {
  return host === DOCKER_HUB ? DOCKER_HUB_ADDRESS : host;
}

export const DOCKER_HUB = 'docker.io';
const DOCKER_HUB_ADDRESS = 'registry-1.docker.io';
const DOCKER_HUB_ALIAS = 'index.docker.io';
const OFFICIAL = 'library/';

function isOfficial({ host, path }: Pick<Reference, 'host' | 'path'>): boolean {
  return host === DOCKER_HUB && !path.includes('/');
}

/** As Docker decides: the first component is a host when it has a dot or a colon, or is `localhost`. */
function splitHost(name: string): Pick<Reference, 'host' | 'path'> {
  const slash = name.indexOf('/');
  const first = name.slice(0, slash);
  const isHost = slash > 0 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase());
  if (!isHost) return { host: DOCKER_HUB, path: name };
  return { host: first === DOCKER_HUB_ALIAS ? DOCKER_HUB : first, path: name.slice(slash + 1) };
}

function invalid(text: string, why: string): UserError {
  return new UserError(`invalid reference format: '${text}': ${why}`, { code: 'ERR_INVALID_REFERENCE' });
}

/** A name that an image can have here: with a tag, and no digest. @throws UserError */
export function parseImageName(text: string): Reference {
  const reference = parseReference(text);
  if (reference.digest !== undefined) throw invalid(text, 'an image is not named by its digest');
  if (reference.host === DOCKER_HUB && reference.path === `${OFFICIAL}sha256`) {
    throw invalid(text, 'it would be taken for an id');
  }
  return reference;
}
