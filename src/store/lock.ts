/**
 * Locks between processes: flock(2) on a file that stays where it is.
 *
 * The kernel drops such a lock with the process that holds it, however that ends.
 */

import { closeSync, constants, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { EAGAIN, EINTR } from '../errno/errno.js';
import { hasCode } from '../errno/error-code.js';
import { check } from '../errno/fs-error.js';
import { LOCK_EX, LOCK_NB, LOCK_SH } from '../linux/constants.js';
import { flock } from '../linux/files/data.js';
import { makeDirectories } from '../linux/files/make-directories.js';
import { FOLDER_MODE } from './layout.js';

export interface FileLock extends Disposable {
  readonly fd: number;
}

/** Waits as long as it takes; the file is made where it is missing. */
export function lockFile(path: string, kind: 'shared' | 'exclusive' = 'exclusive'): FileLock {
  const fd = openLockFile(path);
  const operation = kind === 'shared' ? LOCK_SH : LOCK_EX;
  try {
    let result = flock(fd, operation);
    while (result === -EINTR) result = flock(fd, operation);
    check(result, 'flock', path);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return held(fd);
}

const POLL_MS = 5;

/** As `lockFile()`, while this process does other work: the holder may be another part of it. */
export async function lockFilePatiently(path: string, pollMs: number = POLL_MS): Promise<FileLock> {
  // Opened once: the holder may remove the file, which is not to be made again.
  return whenFree(openLockFile(path), path, pollMs);
}

/** The same of a file in a folder that somebody may remove. @returns undefined when that is gone; it is not made again. */
export async function lockInFolder(path: string): Promise<FileLock | undefined> {
  let fd: number;
  try {
    fd = openSync(path, 'a+', 0o600);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  return whenFree(fd, path, POLL_MS);
}

async function whenFree(fd: number, path: string, pollMs: number): Promise<FileLock> {
  try {
    while (!lockIfFree(fd, path)) await pause(pollMs);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return held(fd);
}

/** @returns undefined when another holds it. */
export function tryLockFile(path: string): FileLock | undefined {
  return lockOrClose(openLockFile(path), path);
}

function lockOrClose(fd: number, path: string): FileLock | undefined {
  let isOurs = false;
  try {
    isOurs = lockIfFree(fd, path);
  } finally {
    if (!isOurs) closeSync(fd);
  }
  return isOurs ? held(fd) : undefined;
}

/** The lock of a directory. @returns undefined when another holds it, or there is none. */
export function tryLockDirectory(path: string): FileLock | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
  return lockOrClose(fd, path);
}

/** Whether the file is there and nobody holds it; it is not made. @throws Error when it cannot be read. */
export function isLockFree(path: string): boolean {
  let fd: number;
  try {
    // A fifo in its place would hold us up.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
  try {
    return lockIfFree(fd, path);
  } finally {
    closeSync(fd);
  }
}

function lockIfFree(fd: number, path: string): boolean {
  const result = flock(fd, LOCK_EX | LOCK_NB);
  if (result === -EAGAIN) return false;
  check(result, 'flock', path);
  return true;
}

function openLockFile(path: string): number {
  try {
    return openSync(path, 'a+', 0o600);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    makeDirectories(dirname(path), FOLDER_MODE);
    return openSync(path, 'a+', 0o600);
  }
}

function held(fd: number): FileLock {
  let isOpen = true;
  return {
    fd,
    [Symbol.dispose]: () => {
      if (isOpen) closeSync(fd);
      isOpen = false;
    },
  };
}
