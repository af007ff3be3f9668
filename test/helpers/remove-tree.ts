/** Removes a directory in which a daemon that has just lost its mount still makes and removes files of its own. */

import { rmSync } from 'node:fs';

const PATIENCE_MS = 10_000;
const RETRY_MS = 50;
const nap = new Int32Array(new SharedArrayBuffer(4));

/**
 * `maxRetries` of rmSync() is no help: it tries the directory again, not what has come into it since.
 * @throws the last error of rmSync() after 10 s.
 */
export function removeTree(path: string): void {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      rmSync(path, { recursive: true, force: true });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY' || Date.now() > deadline) throw error;
    }
    Atomics.wait(nap, 0, 0, RETRY_MS);
  }
}
