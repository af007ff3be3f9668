/**
 * Names of images: `[HOST[:PORT]/]PATH[:TAG][@DIGEST]`, as docker and distribution/reference spell them.
 *
 * There is no host by default: a name without one stands for an image of this store, and cannot be pulled.
 */

import { UserError } from '../errno/user-error.js';
import type { Digest } from './oci.js';

export interface Reference {
  /** `localhost:5000`, `registry.example`; undefined for a local name. */
  readonly host?: string;
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
  const port = HOST.exec(host ?? 'localhost');
  if (port === null || Number(port[1] ?? 0) > MAX_PORT) throw invalid(text, `'${host}' is no host`);
  if (!PATH.test(path)) {
    const why = path === path.toLowerCase() ? `'${path}' is no name` : 'the name must be lowercase';
    throw invalid(text, why);
  }
  if (tag !== undefined && !TAG.test(tag)) throw invalid(text, `'${tag}' is no tag`);
  if (digest !== undefined && !DIGEST.test(digest)) throw invalid(text, `'${digest}' is no sha256 digest`);
  return {
    ...(host === undefined ? {} : { host }),
    path,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
    ...(tag === undefined && digest === undefined ? { tag: 'latest' } : {}),
  };
}

/** `HOST/PATH:TAG@DIGEST`. */
export function formatReference({ host, path, tag, digest }: Reference): string {
  return `${host === undefined ? '' : `${host}/`}${path}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

/** As Docker decides: the first component is a host when it has a dot or a colon, or is `localhost`. */
function splitHost(name: string): { host?: string; path: string } {
  const slash = name.indexOf('/');
  const first = name.slice(0, slash);
  const isHost = slash > 0 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase());
  return isHost ? { host: first, path: name.slice(slash + 1) } : { path: name };
}

function invalid(text: string, why: string): UserError {
  return new UserError(`invalid reference format: '${text}': ${why}`);
}

/** A name that an image can have here: with a tag, and no digest. @throws UserError */
export function parseImageName(text: string): Reference {
  const reference = parseReference(text);
  if (reference.digest !== undefined) throw invalid(text, 'an image is not named by its digest');
  if (reference.host === undefined && reference.path === 'sha256') {
    throw invalid(text, 'it would be taken for an id');
  }
  return reference;
}
