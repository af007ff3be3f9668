/**
 * Which names of which directories are mount points, and what is mounted there.
 *
 * A mount point is a name in a directory, whether the directory has that name or not. The directory is known by its
 * node id, so a mount point moves along when a directory above it is renamed.
 * INVARIANT: each directory with a mount point is referenced once for good, so that its id stays.
 */

import type { Name } from '../../vfs/name.js';
import { type NodeId, nodeId, nodeOwner, ROOT_NODE } from '../../vfs/node-id.js';

/** What lies at a mount point. */
export interface MountPoint {
  /** Number of the file system in the mount. */
  readonly owner: number;
  /** For a single file: its name in the root of that file system. */
  readonly fileName: Name | undefined;
  /** The directory itself, for all but single files: with the owner in front. */
  readonly node: NodeId | undefined;
  /** What the user asked for, for messages and `why`; undefined for a directory made for the sake of others below. */
  readonly label: string | undefined;
}

export class MountTable {
  readonly #points = new Map<NodeId, Map<Name, MountPoint>>();

  /** Mount points in the directory, by name. */
  in(directory: NodeId): ReadonlyMap<Name, MountPoint> | undefined {
    return this.#points.get(directory);
  }

  get(directory: NodeId, name: Name): MountPoint | undefined {
    return this.#points.get(directory)?.get(name);
  }

  set(directory: NodeId, name: Name, point: MountPoint): void {
    let names = this.#points.get(directory);
    if (names === undefined) {
      names = new Map();
      this.#points.set(directory, names);
    }
    names.set(name, point);
  }

  delete(directory: NodeId, name: Name): void {
    const names = this.#points.get(directory);
    names?.delete(name);
    if (names?.size === 0) this.#points.delete(directory);
  }

  /** Whether a directory of the file system has a mount point. */
  hasPointIn(owner: number): boolean {
    return [...this.#points.keys()].some((directory) => nodeOwner(directory) === owner);
  }

  /** Every mount point with its place. */
  *all(): Generator<[directory: NodeId, name: Name, point: MountPoint]> {
    for (const [directory, names] of this.#points) {
      for (const [name, point] of names) yield [directory, name, point];
    }
  }
}

/** The root directory of a file system as a mount point shows it. */
export function rootOf(owner: number): NodeId {
  return nodeId(owner, ROOT_NODE);
}
