/**
 * A blob from a registry, in as many pieces as its connections break into, readable while it comes.
 *
 * What has come lies in a file of its own; a later command reads that first and asks for the rest.
 * INVARIANT: the iteration ends without an error only when the digest is right and the file is on disk.
 */

import { createHash } from 'node:crypto';
import { mkdirSync, unlinkSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../../errno/user-error.js';
import { type FileLock, tryLockFile } from '../../store/lock.js';
import { hexOf } from '../chain-id.js';
import type { Descriptor } from '../oci.js';
import type { Registry } from './client.js';
import { reaching } from './reach.js';
import { DEFAULT_RETRY, isTransient, pauseAfter, type RetryPolicy } from './retry.js';

export interface BlobDownload {
  readonly registry: Registry;
  readonly repository: string;
  readonly descriptor: Descriptor;
  /** Where it lies, whole or in part; `PATH.lock` beside it is held while it comes. */
  readonly path: string;
  /** Bytes that came by the network. */
  readonly onBytes?: (count: number) => void;
  readonly retry?: RetryPolicy;
}

const READ_BYTES = 512 * 1024;
const LOCK_POLL_MS = 100;

/**
 * The blob from its first byte. Closing the iteration early leaves what has come.
 * @throws UserError for a wrong digest or size (then nothing is left), and when the registry cannot be reached.
 */
export async function* downloadBlob(download: BlobDownload): AsyncGenerator<Buffer> {
  const { path, descriptor } = download;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  using _ = await lockPatiently(`${path}.lock`);
  const file = await open(path, 'a+', 0o644);
  const hash = createHash('sha256');
  let sizeBytes = 0;
  try {
    if ((await file.stat()).size > descriptor.size) await file.truncate(0);
    for await (const chunk of pieces(file)) {
      hash.update(chunk);
      sizeBytes += chunk.byteLength;
      yield chunk;
    }
    for await (const chunk of receive(download, sizeBytes)) {
      sizeBytes += chunk.byteLength;
      if (sizeBytes > descriptor.size) {
        throw refuse(download, `is longer than the ${descriptor.size} bytes that its manifest says`);
      }
      await file.appendFile(chunk);
      hash.update(chunk);
      download.onBytes?.(chunk.byteLength);
      yield chunk;
    }
    const digest = hash.digest('hex');
    if (digest !== hexOf(descriptor.digest)) throw refuse(download, `has the digest 'sha256:${digest}'`);
    await file.sync();
  } finally {
    await file.close();
  }
  // Whoever waits for this lock finds the blob whole.
  unlinkSync(`${path}.lock`);
}

/** Another command may bring the same blob. Asked for again and again: to block would stop the other downloads too. */
async function lockPatiently(path: string): Promise<FileLock> {
  for (;;) {
    const lock = tryLockFile(path);
    if (lock) return lock;
    await sleep(LOCK_POLL_MS);
  }
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
      if (attempt >= retry.attempts || !isTransient(error)) {
        await reaching(registry.host, () => Promise.reject(error as Error));
      }
      await sleep(pauseAfter(retry, Math.max(attempt, 1), error));
    }
  }
}

/** One connection's worth. @throws Error with a transient code when it ends too early. */
async function* connection(
  { registry, repository, descriptor }: BlobDownload,
  start: number,
): AsyncGenerator<Buffer> {
  const { body, offset } = await registry.blob(repository, descriptor.digest, start);
  // Without ranges it begins at the first byte again, which is known already.
  let skip = start - offset;
  let sizeBytes = start;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    const fresh = chunk.subarray(Math.min(skip, chunk.byteLength));
    skip -= chunk.byteLength - fresh.byteLength;
    sizeBytes += fresh.byteLength;
    if (fresh.byteLength > 0) yield fresh;
  }
  if (sizeBytes < descriptor.size) {
    throw Object.assign(new Error(`the connection ended after ${sizeBytes} bytes`), {
      code: 'ERR_STREAM_PREMATURE_CLOSE',
    });
  }
}

/** What is wrong is not kept to be resumed. */
function refuse({ registry, repository, descriptor, path }: BlobDownload, what: string): UserError {
  unlinkSync(path);
  return new UserError(`the blob '${descriptor.digest}' of '${registry.host}/${repository}' ${what}`);
}
