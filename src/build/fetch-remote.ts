/**
 * ADD of a web address: the file there, whole.
 */

import { posix } from 'node:path';
import { UserError } from '../errno/user-error.js';
import { collect, drain, HttpClient } from '../image/registry/http.js';
import { trustedContext } from '../image/registry/trust.js';

export interface RemoteFile {
  /** The last part of the address. */
  readonly name: string;
  readonly content: Buffer;
  /** Of Last-Modified; undefined: the server does not say. */
  readonly mtimeSec: number | undefined;
}

const MAX_REMOTE_BYTES = 2 ** 31;

export function isGitAddress(source: string): boolean {
  return /^(?:git@|git:\/\/|ssh:\/\/)/.test(source) || /^https?:\/\/.*\.git(?:#.*)?$/.test(source);
}

/** @throws UserError when it cannot be had. */
export async function fetchRemote(address: string): Promise<RemoteFile> {
  if (!URL.canParse(address)) throw new UserError(`'${address}' is no address`);
  const url = new URL(address);
  const name = decodeURIComponent(posix.basename(url.pathname));
  if (name === '' || name.includes('/')) throw new UserError(`'${address}' names no file`);
  using http = new HttpClient({ verify: true, trust: () => trustedContext(url.host) });
  const response = await http.send({ method: 'GET', url }).catch((error: Error) => {
    throw new UserError(`cannot reach '${url.host}': ${error.message}`, { cause: error });
  });
  if (response.status !== 200) {
    await drain(response);
    throw new UserError(`'${url.host}' answered ${response.status} for '${address}'`);
  }
  const content = await collect(response.body, MAX_REMOTE_BYTES, url.host);
  const mtimeMs = Date.parse(response.header('last-modified') ?? '');
  return { name, content, mtimeSec: Number.isNaN(mtimeMs) ? undefined : Math.floor(mtimeMs / 1000) };
}
