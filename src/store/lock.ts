/**
 * Locks between processes: flock(2) on a file that stays where it is.
 *
 * The kernel drops such a lock with the process that holds it, however that ends.
 */

import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { EAGAIN, EINTR } from '../errno/errno.js';
import { check } from '../errno/fs-error.js';
import { LOCK_EX, LOCK_NB, LOCK_SH } from '../linux/constants.js';
import { flock } from '../linux/data.js';
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

/** @returns undefined when another holds it. */
export function tryLockFile(path: string): FileLock | undefined {
  const fd = openLockFile(path);
  const result = flock(fd, LOCK_EX | LOCK_NB);
  if (result >= 0) return held(fd);
  closeSync(fd);
  if (result !== -EAGAIN) check(result, 'flock', path);
  return undefined;
}

function openLockFile(path: string): number {
  try {
    return openSync(path, 'a+', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    mkdirSync(dirname(path), { recursive: true, mode: FOLDER_MODE });
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
