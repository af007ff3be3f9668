/** What can have snapshots, whatever it is: the commands, the library and the tools of `plyfs mcp` speak to it by this alone. */

import type { Difference } from '../image/contents/compare-trees.js';
import type { FileSystem } from '../vfs/file-system.js';

export interface SnapshotTarget {
  readonly kind: 'container' | 'volume' | 'draft' | 'mount';
  readonly name: string;
  /** The oldest first. */
  list(): SnapshotRow[];
  /** @throws UserError when there is one of that name, or the state cannot be kept. */
  create(name: string, options?: SnapshotOptions): Promise<void>;
  /** What was changed since is gone. @throws UserError when there is no such snapshot, or it cannot be gone back to now. */
  restore(name: string): Promise<void>;
  /** @throws UserError */
  remove(name: string): Promise<void>;
  /**
   * Makes a second one that begins with what it is now, or with a snapshot.
   * @returns what names it to programs. @throws UserError when there is one of that name.
   */
  fork(name: string, options?: ForkOptions): Promise<string>;
  /** Trees of two snapshots, or of one and what the target is now. @throws UserError */
  open(name: string, other: string | undefined): OpenedStates;
}

interface ForkOptions extends SnapshotOptions {
  readonly snapshot?: string | undefined;
}

interface SnapshotOptions {
  /** Stop the processes that are in it meanwhile. Default true. */
  readonly pause?: boolean | undefined;
}

interface SnapshotRow {
  readonly name: string;
  /** RFC 3339, UTC. */
  readonly createdAt: string;
  /** Those that the state has on top of the image, or of the mount's own; undefined where states are no layers. */
  readonly layers: number | undefined;
  /** The target came from it, or went to it, last; undefined where that is not known. */
  readonly isCurrent: boolean | undefined;
}

/** Two states, for reading. */
export interface OpenedStates extends Disposable {
  readonly before: FileSystem;
  readonly after: FileSystem;
  /** What a difference of the two is to a user. @returns undefined: nothing. */
  shown(difference: Difference): Difference | undefined;
}
