/**
 * What is kept of a file that was opened: made at its first open, and dropped with the last release when nothing of it
 * matters to the next one.
 *
 * INVARIANT: all opens that the kernel has of a file at one time are of one `mode`, `served` or one of the other two.
 */

import type { SyncFailure } from './disk/sync-failure.js';

/**
 * The state of the opens that there are: who reads and writes for them.
 * - `closed`: there is none. `served`: what they read and write comes to us.
 * - `backed`: the kernel itself, in the backing file.
 * - `outdated`: the same, but the file was copied since: the backing file is the one from before.
 */
type OpenMode = 'closed' | 'served' | 'backed' | 'outdated';

export class OpenState {
  mode: OpenMode = 'closed';
  /** Opens that were not released. */
  openCount = 0;
  /** Those of them that may write. */
  writers = 0;
  /** The kernel's id of the file it reads and writes for all opens; 0 for none. Stays beyond the last release. */
  backingId = 0;
  /** While `outdated`: O_PATH descriptor of the file from before; else -1. */
  outdatedFd = -1;
  /** The kernel cannot take this file as a backing file: its file system is stacked too deep. */
  refusesBacking = false;
  /** Whether a map may change the times, so that the kernel must not keep them. */
  mayBeMapped = false;
  /** Whether an open with a backing file came since the kernel's cache of the file was last dropped. */
  cachePassed = false;
  /** Descriptors for reads and writes that the kernel leaves to us, shared by all opens; -1 when not open. */
  readFd = -1;
  writeFd = -1;
  /** Whether `writeFd` was opened with O_APPEND, for a file that takes nothing else. */
  writeFdAppends = false;
  /** The last sync that failed since the file was opened. */
  syncFailure: SyncFailure | undefined;
  /** Whether the file has a security.capability; undefined when not known. */
  hasCapability: boolean | undefined;

  get isBacked(): boolean {
    return this.mode === 'backed' || this.mode === 'outdated';
  }

  /** Whether the next open does as well without it. */
  get isBlank(): boolean {
    return (
      this.openCount === 0 &&
      this.backingId === 0 &&
      this.readFd < 0 &&
      this.writeFd < 0 &&
      !this.refusesBacking &&
      !this.mayBeMapped &&
      !this.cachePassed &&
      this.mode === 'closed'
    );
  }
}

/** A node that can be opened. */
export interface Openable {
  /** Undefined before the first open. */
  openState: OpenState | undefined;
}

/** The open state of a file, made when there is none. */
export function openStateOf(file: Openable): OpenState {
  file.openState ??= new OpenState();
  return file.openState;
}
