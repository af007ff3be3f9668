/**
 * ADD of a web address: the file there, whole.
 */

import { createHash } from 'node:crypto';
import { closeSync, openSync, utimesSync, writeSync } from 'node:fs';
import { posix } from 'node:path';
import { UserError } from '../../errno/user-error.js';
import { drain, HttpClient } from '../../image/registry/http.js';
import { trustedContext } from '../../image/registry/sign-in/trust.js';

interface RemoteFile {
  /** The last part of the address; '': it has none. */
  readonly name: string;
  /** The digest of the content, in hex. */
  readonly digest: string;
}

export function isWebAddress(source: string): boolean {
  return /^https?:\/\//i.test(source);
}

/** Into a new file, whose time is that of `Last-Modified`, or now. @throws UserError when it cannot be had. */
export async function fetchRemote(address: string, path: string): Promise<RemoteFile> {
  if (!URL.canParse(address)) throw new UserError(`'${address}' is no address`);
  const url = new URL(address);
  using http = new HttpClient({ verify: true, trust: () => trustedContext(url.host) });
  const response = await http.send({ method: 'GET', url }).catch((error: Error) => {
    throw new UserError(`cannot reach '${url.host}': ${error.message}`, { cause: error });
  });
  if (response.status !== 200) {
    await drain(response);
    throw new UserError(`'${url.host}' answered ${response.status} for '${address}'`);
  }
  const digest = await store(response.body, path).catch((error: Error) => {
    throw new UserError(`cannot fetch '${address}': ${error.message}`, { cause: error });
  });
  const mtimeMs = Date.parse(response.header('last-modified') ?? '');
  if (!Number.isNaN(mtimeMs)) utimesSync(path, mtimeMs / 1000, mtimeMs / 1000);
  return { name: nameOf(url), digest };
}

function nameOf(url: URL): string {
  const name = posix.basename(url.pathname);
  try {
    const decoded = decodeURIComponent(name);
    return decoded.includes('/') ? name : decoded;
  } catch (error) {
    if (error instanceof URIError) return name;
    throw error;
  }
}

async function store(body: AsyncIterable<Buffer>, path: string): Promise<string> {
  const hash = createHash('sha256');
  const fd = openSync(path, 'wx', 0o600);
  try {
    for await (const chunk of body) {
      hash.update(chunk);
      for (let done = 0; done < chunk.length; ) done += writeSync(fd, chunk, done);
    }
  } finally {
    closeSync(fd);
  }
  return hash.digest('hex');
}
