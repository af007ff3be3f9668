/**
 * A blob from a registry to a file, in as many pieces as its connections break into.
 *
 * What has come lies in a file of its own until it is whole and its digest is right; a later command goes on with it.
 * INVARIANT: the file gets its name only after its bytes were hashed and are on disk.
 */

import { createHash, type Hash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, unlinkSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../../errno/user-error.js';
import { syncDirectory } from '../../store/atomic-file.js';
import { type FileLock, tryLockFile } from '../../store/lock.js';
import { hexOf } from '../chain-id.js';
import type { Descriptor } from '../oci.js';
import { type Registry, reaching } from './client.js';
import { DEFAULT_RETRY, type RetryPolicy, withRetry } from './retry.js';

export interface BlobDownload {
  readonly registry: Registry;
  readonly repository: string;
  readonly descriptor: Descriptor;
  /** Where the blob will lie, and, until it is whole, `partialPath`. */
  readonly path: string;
  readonly partialPath: string;
  /** Bytes that came, those of an earlier command included; negative when they have to come again. */
  readonly onBytes?: (count: number) => void;
  readonly retry?: RetryPolicy;
}

interface Progress {
  hash: Hash;
  sizeBytes: number;
}

/**
 * Resolves when the blob is there, whole and verified; another process may have brought it.
 * @throws UserError for a wrong digest or size, and when the registry cannot be reached.
 */
export async function downloadBlob(download: BlobDownload): Promise<void> {
  const { registry, path, partialPath, descriptor, onBytes } = download;
  if (existsSync(path)) {
    onBytes?.(descriptor.size);
    return;
  }
  mkdirSync(dirname(partialPath), { recursive: true, mode: 0o700 });
  mkdirSync(dirname(path), { recursive: true, mode: 0o711 });
  using _ = await lockPatiently(`${partialPath}.lock`);
  if (existsSync(path)) {
    onBytes?.(descriptor.size);
    return;
  }
  const file = await open(partialPath, 'a+', 0o644);
  try {
    const progress = await resume(file, descriptor, onBytes);
    await reaching(registry.host, () =>
      withRetry(download.retry ?? DEFAULT_RETRY, () => receive(download, file, progress)),
    );
    verify(progress, download);
    await file.sync();
  } finally {
    await file.close();
  }
  renameSync(partialPath, path);
  syncDirectory(dirname(path));
  // Whoever still waits for this lock finds the blob.
  unlinkSync(`${partialPath}.lock`);
}

const LOCK_POLL_MS = 100;

/** Another command may bring the same blob. Asked for again and again: to block would stop the other downloads too. */
async function lockPatiently(path: string): Promise<FileLock> {
  for (;;) {
    const lock = tryLockFile(path);
    if (lock) return lock;
    await sleep(LOCK_POLL_MS);
  }
}

const READ_BYTES = 1024 * 1024;

/** Hashes what an earlier attempt left. */
async function resume(
  file: FileHandle,
  descriptor: Descriptor,
  onBytes: ((count: number) => void) | undefined,
): Promise<Progress> {
  const progress: Progress = { hash: createHash('sha256'), sizeBytes: 0 };
  const { size } = await file.stat();
  if (size > descriptor.size) await file.truncate(0);
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.byteLength, progress.sizeBytes);
    if (bytesRead === 0) break;
    progress.hash.update(buffer.subarray(0, bytesRead));
    progress.sizeBytes += bytesRead;
  }
  onBytes?.(progress.sizeBytes);
  return progress;
}

/** One connection's worth; what came before it broke is kept. */
async function receive(download: BlobDownload, file: FileHandle, progress: Progress): Promise<void> {
  const { registry, repository, descriptor, onBytes } = download;
  if (progress.sizeBytes === descriptor.size) return;
  const { body, offset } = await registry.blob(repository, descriptor.digest, progress.sizeBytes);
  if (offset !== progress.sizeBytes) {
    await file.truncate(0);
    onBytes?.(-progress.sizeBytes);
    progress.hash = createHash('sha256');
    progress.sizeBytes = 0;
  }
  for await (const chunk of body as AsyncIterable<Buffer>) {
    if (progress.sizeBytes + chunk.byteLength > descriptor.size) {
      body.destroy();
      throw refuse(download, `is longer than the ${descriptor.size} bytes that its manifest says`);
    }
    await file.appendFile(chunk);
    progress.hash.update(chunk);
    progress.sizeBytes += chunk.byteLength;
    onBytes?.(chunk.byteLength);
  }
  if (progress.sizeBytes < descriptor.size) {
    throw Object.assign(new Error(`the connection ended after ${progress.sizeBytes} bytes`), {
      code: 'ERR_STREAM_PREMATURE_CLOSE',
    });
  }
}

function verify({ hash }: Progress, download: BlobDownload): void {
  const digest = hash.digest('hex');
  if (digest !== hexOf(download.descriptor.digest)) {
    throw refuse(download, `has the digest 'sha256:${digest}'`);
  }
}

/** What is wrong is not kept to be resumed. */
function refuse({ registry, repository, descriptor, partialPath }: BlobDownload, what: string): UserError {
  unlinkSync(partialPath);
  return new UserError(`the blob '${descriptor.digest}' of '${registry.host}/${repository}' ${what}`);
}
