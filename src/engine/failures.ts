/**
 * What a throw of the file system is answered with, the same for all engines.
 *
 * INVARIANT: any throw has an answer: that of an FsError is its errno, that of a call of Node's for which descriptors or memory
 * were missing is that errno, that of anything else EIO. But for an FsError the log has a line, once for each text, since a
 * fault on a busy path would fill the disk. `Wait` is no failure: engines look for it first.
 */

import { EIO, EMFILE, ENFILE, ENOMEM } from '../errno/errno.js';
import { isSystemError } from '../errno/error-code.js';
import { FsError } from '../errno/fs-error.js';

/** What passes by itself, and tells nothing of a mistake. */
const SCARCITIES: readonly number[] = [EMFILE, ENFILE, ENOMEM];

export class Failures {
  readonly #log: (line: string) => void;
  readonly #seen = new Set<string>();

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  /** The positive errno to answer; `what` names the operation in the log. */
  errnoOf(what: string, error: unknown): number {
    if (error instanceof FsError) return error.errno;
    this.log(what, error);
    // Node negates them.
    const errno = isSystemError(error) ? -(error.errno ?? 0) : 0;
    return SCARCITIES.includes(errno) ? errno : EIO;
  }

  log(what: string, error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    if (this.#seen.has(text)) return;
    this.#seen.add(text);
    this.#log(`${what}: ${text}`);
  }
}
