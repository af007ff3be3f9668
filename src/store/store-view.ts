/**
 * The store as commands see it that only read: where things are, and their names. It loads nothing that changes a store, nor the
 * system calls.
 */

import { join } from 'node:path';
import { namesInFolder } from './atomic-file.js';
import { isHidden, type ObjectKind, stateRoot } from './layout.js';

export class StoreView {
  /** Absolute. */
  readonly root: string;

  constructor(root: string = stateRoot()) {
    this.root = root;
  }

  path(...parts: readonly string[]): string {
    return join(this.root, ...parts);
  }

  /** Names of the objects of a kind, sorted; hidden ones left out. */
  names(kind: ObjectKind): string[] {
    return namesInFolder(this.path(kind))
      .filter((name) => !isHidden(name))
      .sort();
  }

  /** What commands are about to do, or did not come to do: their Intents. */
  pending(): string[] {
    return namesInFolder(this.path('pending'));
  }

  /** Names of what was discarded and is not deleted yet. */
  trash(): string[] {
    return namesInFolder(this.path('trash'));
  }
}
