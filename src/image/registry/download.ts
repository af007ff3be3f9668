/**
 * A blob from a registry, in as many pieces as its connections break into, readable while it comes.
 *
 * What has come lies in a file of its own. Only a network that breaks leaves it there: a later command then reads it first
 * and asks for the rest, gives nothing of it to its reader before all is verified, and starts afresh where it is wrong.
 * INVARIANT: the iteration ends without an error only when the digest is right and the file is on disk.
 */

import { createHash, type Hash } from 'node:crypto';
import { rmSync, unlinkSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../../errno/user-error.js';
import { makeDirectories } from '../../linux/files/make-directories.js';
import { isMissing } from '../../store/atomic-file.js';
import { type FileLock, tryLockFile } from '../../store/lock.js';
import { hexOf } from '../oci/chain-id.js';
import { foreignAddresses } from '../oci/foreign.js';
import type { Descriptor } from '../oci/oci.js';
import { reaching } from './reach.js';
import type { Registry } from './registry.js';
import { DEFAULT_RETRY, isTransient, pauseAfter, type RetryPolicy } from './retry.js';

interface BlobDownload {
  readonly registry: Registry;
  readonly repository: string;
  readonly descriptor: Descriptor;
  /** Where it lies, whole or in part; `PATH.lock` beside it is held while it comes. */
  readonly path: string;
  /** Where it lies when another command, which brought it first, has published it. */
  readonly stored?: string;
  /** Bytes that came by the network. */
  readonly onBytes?: (count: number) => void;
  readonly retry?: RetryPolicy;
}

const READ_BYTES = 512 * 1024;
const LOCK_POLL_MS = 100;

/**
 * The blob from its first byte. Closing the iteration early drops what has come: its reader refused it.
 * @throws UserError for a wrong digest or size (then nothing is left), and when the registry cannot be reached.
 */
export async function* downloadBlob(download: BlobDownload): AsyncGenerator<Buffer> {
  const { path, stored } = download;
  makeDirectories(dirname(path), 0o700);
  using _ = await lockPatiently(`${path}.lock`);
  const file = await open(path, 'a+', 0o644);
  let isKept = false;
  try {
    // Asked when the file is open: until then it may go to its place in the store.
    const whole = stored === undefined ? undefined : await openIfThere(stored);
    if (whole !== undefined) {
      yield* piecesOf(whole);
      return;
    }
    if (await isResumed(download, file)) yield* pieces(file);
    else yield* verified(download, file, createHash('sha256'), 0);
    await file.sync();
    isKept = true;
  } catch (error) {
    isKept = error instanceof BrokenOff && (await file.stat()).size > 0;
    throw error;
  } finally {
    await file.close();
    // Or nothing, when it went to its place in the store meanwhile.
    if (!isKept) rmSync(path, { force: true });
    // Whoever waits for this lock finds the blob whole, or nothing.
    unlinkSync(`${path}.lock`);
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (!isMissing(error)) throw error;
    return undefined;
  }
}

async function* piecesOf(file: FileHandle): AsyncGenerator<Buffer> {
  try {
    yield* pieces(file);
  } finally {
    await file.close();
  }
}

/** The network broke: what has come is good as far as it goes. */
class BrokenOff extends UserError {}

/** Another command may bring the same blob. Asked for again and again: to block would stop the other downloads too. */
async function lockPatiently(path: string): Promise<FileLock> {
  for (;;) {
    const lock = tryLockFile(path);
    if (lock) return lock;
    await sleep(LOCK_POLL_MS);
  }
}

/**
 * Completes what an earlier command has left.
 * @returns whether the file is the blob; else the file is empty.
 * @throws BrokenOff when the network breaks again.
 */
async function isResumed(download: BlobDownload, file: FileHandle): Promise<boolean> {
  const left = (await file.stat()).size;
  if (left === 0) return false;
  try {
    if (left <= download.descriptor.size) {
      const hash = createHash('sha256');
      for await (const chunk of pieces(file)) hash.update(chunk);
      for await (const _ of verified(download, file, hash, left));
      return true;
    }
  } catch (error) {
    if (!(error instanceof NotTheBlob)) throw error;
  }
  await file.truncate(0);
  return false;
}

/** What came is not what the manifest promises. */
class NotTheBlob extends UserError {}

/** What comes from `start` on, also written to the file. @param hash of what is there. */
async function* verified(
  download: BlobDownload,
  file: FileHandle,
  hash: Hash,
  start: number,
): AsyncGenerator<Buffer> {
  const { descriptor } = download;
  for await (const chunk of receive(download, start)) {
    await file.appendFile(chunk);
    hash.update(chunk);
    download.onBytes?.(chunk.byteLength);
    yield chunk;
  }
  const digest = hash.digest('hex');
  if (digest !== hexOf(descriptor.digest)) throw refuse(download, `has the digest 'sha256:${digest}'`);
}

async function* pieces(file: FileHandle): AsyncGenerator<Buffer> {
  for (let position = 0; ; ) {
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    const { bytesRead } = await file.read(buffer, 0, READ_BYTES, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** The blob from `start` on, over as many connections as it takes. An attempt that brought something begins the count anew. */
async function* receive(download: BlobDownload, start: number): AsyncGenerator<Buffer> {
  const { descriptor, retry = DEFAULT_RETRY, registry } = download;
  let sizeBytes = start;
  for (let attempt = 1; sizeBytes < descriptor.size; attempt += 1) {
    try {
      for await (const chunk of connection(download, sizeBytes)) {
        sizeBytes += chunk.byteLength;
        attempt = 0;
        yield chunk;
      }
    } catch (error) {
      if (!isTransient(error)) await reaching(registry.host, () => Promise.reject(error as Error));
      if (attempt >= retry.attempts) throw await brokenOff(registry.host, error);
      await sleep(pauseAfter(retry, Math.max(attempt, 1), error));
    }
  }
}

async function brokenOff(host: string, error: unknown): Promise<unknown> {
  try {
    await reaching(host, () => Promise.reject(error as Error));
  } catch (explained) {
    if (!(explained instanceof UserError)) return explained;
    return new BrokenOff(explained.message, { hint: explained.hint, cause: error });
  }
  return error;
}

/** One connection's worth. @throws Error with a transient code when it ends too early. */
async function* connection(download: BlobDownload, start: number): AsyncGenerator<Buffer> {
  const { registry, repository, descriptor } = download;
  const {
    body,
    offset,
    isWhole,
    sizeBytes: coming,
  } = await registry.blob(repository, { ...descriptor, elsewhere: foreignAddresses(descriptor) }, start);
  if (coming !== undefined && offset + coming !== descriptor.size) {
    body.destroy();
    throw refuse(download, otherSize(offset + coming, descriptor));
  }
  // Without ranges it begins at the first byte again, which is known already.
  let skip = start - offset;
  let sizeBytes = start;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    const fresh = chunk.subarray(Math.min(skip, chunk.byteLength));
    skip -= chunk.byteLength - fresh.byteLength;
    sizeBytes += fresh.byteLength;
    if (sizeBytes > descriptor.size) {
      throw refuse(download, otherSize(sizeBytes, descriptor));
    }
    if (fresh.byteLength > 0) yield fresh;
  }
  if (sizeBytes === descriptor.size) return;
  if (isWhole()) {
    const came = sizeBytes - Math.max(skip, 0);
    throw refuse(download, otherSize(came, descriptor));
  }
  throw Object.assign(new Error(`the connection ended after ${sizeBytes} bytes`), {
    code: 'ERR_STREAM_PREMATURE_CLOSE',
  });
}

function otherSize(found: number, { size }: Descriptor): string {
  return found > size
    ? `is longer than the ${size} bytes that its manifest says`
    : `has only ${found} of the ${size} bytes that its manifest says`;
}

function refuse({ registry, repository, descriptor }: BlobDownload, what: string): NotTheBlob {
  return new NotTheBlob(`the blob '${descriptor.digest}' of '${registry.host}/${repository}' ${what}`, {
    hint: 'something between here and the registry may answer in its place: a proxy, a login page',
  });
}
