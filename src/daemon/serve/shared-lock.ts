/**
 * One daemon for a directory: flock(2) on a file of it, held for the daemon's life. The directory goes with its daemon, or with
 * the next one where that was killed.
 */

import { closeSync, fstatSync, openSync, readdirSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { EAGAIN } from '../../errno/errno.js';
import { hasCode } from '../../errno/error-code.js';
import { check } from '../../errno/fs-error.js';
import { LOCK_EX, LOCK_NB } from '../../linux/constants.js';
import { flock } from '../../linux/files/data.js';

const LOCK_FILE = 'lock';

/** Takes the lock until the process ends. @returns its descriptor; undefined when another has it, or the directory is gone. */
export function lockDirectory(directory: string): number | undefined {
  const fd = openLock(directory, 'a');
  return fd !== undefined && tryLock(fd, directory) && isCurrent(fd, directory) ? fd : undefined;
}

/** Removes the directory of a daemon that ends, or was killed. PRECONDITION: this process has the lock. */
export function removeDirectory(directory: string): void {
  // The lock goes last: until then no other daemon can use the directory.
  try {
    for (const name of readdirSync(directory)) if (name !== LOCK_FILE) rmSync(join(directory, name));
    rmSync(join(directory, LOCK_FILE));
    rmdirSync(directory);
  } catch (error) {
    // The next daemon has begun already, or somebody has cleaned up.
    if (!hasCode(error, 'ENOTEMPTY', 'ENOENT')) throw error;
  }
}

/** Removes directories whose daemons were killed; one without a lock is about to get a daemon. */
export function removeAbandoned(daemons: string): void {
  for (const name of readdirSync(daemons)) {
    const directory = join(daemons, name);
    const fd = openLock(directory, 'r+');
    if (fd === undefined) continue;
    if (tryLock(fd, directory) && isCurrent(fd, directory)) removeDirectory(directory);
    closeSync(fd);
  }
}

function openLock(directory: string, flags: 'a' | 'r+'): number | undefined {
  try {
    return openSync(join(directory, LOCK_FILE), flags, 0o600);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** False for a lock that was removed meanwhile, of which nobody else knows. */
function isCurrent(fd: number, directory: string): boolean {
  return statSync(join(directory, LOCK_FILE), { throwIfNoEntry: false })?.ino === fstatSync(fd).ino;
}

function tryLock(fd: number, path: string): boolean {
  const result = flock(fd, LOCK_EX | LOCK_NB);
  if (result === -EAGAIN) return false;
  check(result, 'flock', path);
  return true;
}
