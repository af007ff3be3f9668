/**
 * A real directory for one test, with a descriptor of it; both are gone when the test ends.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { AT_FDCWD, O_CREAT, O_DIRECTORY, O_EXCL, O_RDONLY, O_RDWR } from '../../../src/linux/constants.js';
import { close, openat } from '../../../src/linux/files/open.js';
import type { Name } from '../../../src/vfs/name.js';

export interface TempDirectory {
  readonly path: string;
  readonly fd: number;
}

export function tempDirectory(): TempDirectory {
  const path = mkdtempSync(join(tmpdir(), 'plyfs-linux-'));
  const fd = ok(openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY));
  onTestFinished(() => {
    close(fd);
    rmSync(path, { recursive: true, force: true });
  });
  return { path, fd };
}

/** A result that must not be an error. */
export function ok(result: number): number {
  if (result < 0) throw new Error(`unexpected errno ${-result}`);
  return result;
}

/** A descriptor that is closed when the test ends. */
export function closing(result: number): number {
  const fd = ok(result);
  onTestFinished(() => {
    close(fd);
  });
  return fd;
}

/** A new empty file, open for reading and writing. */
export function newFile(dir: TempDirectory, name: Name, mode = 0o644): number {
  return closing(openat(dir.fd, name, O_CREAT | O_EXCL | O_RDWR, mode));
}
