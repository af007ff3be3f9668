/**
 * Puts mounts at their places over the union, and takes them away again, also while it is being served.
 *
 * A target is resolved inside what is mounted so far: symlinks in it are followed within the root, never out of it;
 * parts that do not exist become virtual directories. Shallow targets go first, so that a deeper one lands on top:
 * `planMounts` sorts by the text of the targets, this by where symlinks of the union lead.
 */

import { UserError } from '../../errno/user-error.js';
import { S_IFDIR } from '../../linux/constants.js';
import type { CallerIds } from '../../realfs/caller-ids.js';
import type { StatFs } from '../../vfs/attr.js';
import type { FileSystem } from '../../vfs/file-system.js';
import type { Name } from '../../vfs/name.js';
import { type NodeId, nodeId, ROOT_NODE } from '../../vfs/node-id.js';
import { type MountPoint, rootOf } from './mount-table.js';
import { MountedFileSystem } from './mounted-file-system.js';
import { TargetWalk } from './target-walk.js';
import { VirtualDirectories, type VirtualState } from './virtual-directories.js';

export interface MountOver {
  /** Absolute path in the union. */
  readonly target: string;
  readonly spec: string;
  /** For a single file: its name in the root of the mounted file system. */
  readonly fileName: Name | undefined;
}

/** A name that shows something else from now on; without a point what lies below the mounts. */
export interface PointChange {
  readonly directory: NodeId;
  readonly name: Name;
  readonly point: MountPoint | undefined;
}

interface Attached {
  readonly owner: number;
  readonly directory: NodeId;
  readonly name: Name;
}

/** Where all is mounted, in values that can be written down. */
export interface AttachedState {
  readonly virtual: VirtualState;
  readonly virtualPlaces: readonly (readonly [NodeId, { readonly directory: NodeId; readonly name: Name }])[];
  readonly byTarget: readonly (readonly [string, Attached])[];
}

export class MountAttachments {
  readonly mounted: MountedFileSystem;
  readonly #virtual: VirtualDirectories;
  readonly #virtualOwner: number;
  readonly #byTarget = new Map<string, Attached>();
  /** Where each virtual directory is. */
  readonly #virtualPlaces = new Map<NodeId, { readonly directory: NodeId; readonly name: Name }>();
  readonly #onChange: (change: PointChange) => void;

  /**
   * @param onChange told of each change as it is made.
   * @param onUnused, identity see MountedFileSystem.
   */
  constructor(
    union: FileSystem,
    onChange: (change: PointChange) => void = () => undefined,
    onUnused: (owner: number) => void = () => undefined,
    identity?: CallerIds,
  ) {
    this.mounted = new MountedFileSystem(union, onUnused, identity);
    this.#virtual = new VirtualDirectories((out: StatFs) => union.statfs(ROOT_NODE, out));
    this.#virtualOwner = this.mounted.add(this.#virtual);
    this.#onChange = onChange;
  }

  get state(): AttachedState {
    const [virtualPlaces, byTarget] = [[...this.#virtualPlaces], [...this.#byTarget]];
    return { virtual: this.#virtual.state, virtualPlaces, byTarget };
  }

  /**
   * Puts mounts where another process has had them, whatever their targets lead to now; directories keep their references.
   * PRECONDITION: nothing is attached, and the file systems have their numbers.
   */
  restore({ virtual, virtualPlaces, byTarget }: AttachedState, mounts: readonly MountOver[]): void {
    this.#virtual.restore(virtual);
    for (const [node, { directory, name }] of virtualPlaces) this.#setVirtual(node, directory, name);
    for (const [target, { owner, directory, name }] of byTarget) {
      const mount = mounts.find((one) => one.target === target);
      if (mount !== undefined) this.#setMount(mount, { owner, directory, name });
    }
  }

  /** Places all of them, shallow ones first. @throws UserError. */
  attachAll(mounts: readonly (readonly [MountOver, owner: number])[]): void {
    const depths = new Map(mounts.map(([mount]) => [mount, this.#depth(mount)]));
    for (const [mount, owner] of mounts.toSorted(([a], [b]) => depths.get(a)! - depths.get(b)!)) {
      this.attach(mount, owner);
    }
  }

  /** @throws UserError when the target is taken, is of another kind, or leads through a file. */
  attach({ target, spec, fileName }: MountOver, owner: number): void {
    const walk = new TargetWalk(this.mounted, spec);
    try {
      const { directory, name, type } = walk.resolve(target, (parent, one) =>
        this.#enterVirtual(parent, one),
      );
      if (this.mounted.table.get(directory, name)?.label !== undefined) {
        throw new UserError(`Duplicate mount point: ${target}`, {
          hint: this.#byTarget.has(target)
            ? 'take the other away first'
            : 'symlinks of the layers lead two targets to one place',
        });
      }
      if (type !== undefined && (type === S_IFDIR) !== (fileName === undefined)) {
        const kinds = fileName === undefined ? 'a directory over a file' : 'a file over a directory';
        throw new UserError(`cannot mount '${spec}': '${target}' would be ${kinds}`, {
          hint: 'source and target must both be files or both be directories',
        });
      }
      walk.keep(directory);
      this.#setMount({ target, spec, fileName }, { owner, directory, name });
    } catch (error) {
      this.#dropEmptyVirtual();
      throw error;
    } finally {
      walk.release();
    }
  }

  /**
   * Takes the mount point away; what is open in the mount stays open.
   * @returns the number of the file system. @throws UserError when nothing, or more, is mounted there.
   */
  remove(target: string): number {
    const attached = this.#byTarget.get(target);
    if (attached === undefined) throw new UserError(`nothing is mounted at '${target}'`);
    const { owner, directory, name } = attached;
    const inside = this.mounted.table.hasPointIn(owner)
      ? [...this.#byTarget.keys()].find((other) => other.startsWith(`${target}/`))
      : undefined;
    if (inside !== undefined) {
      throw new UserError(`cannot remove the mount at '${target}': '${inside}' is mounted inside`, {
        hint: `remove '${inside}' first`,
      });
    }
    this.#byTarget.delete(target);
    this.#set(directory, name, undefined);
    this.#giveBack(directory);
    this.#dropEmptyVirtual();
    this.mounted.remove(owner);
    return owner;
  }

  /** How many names the target has when symlinks of what is mounted so far are followed. */
  #depth({ target, spec }: MountOver): number {
    const walk = new TargetWalk(this.mounted, spec);
    try {
      return walk.depth(target);
    } finally {
      walk.release();
    }
  }

  #enterVirtual(parent: { readonly node: NodeId; readonly ino: number }, name: Name): NodeId {
    const node = nodeId(this.#virtualOwner, this.#virtual.make(parent.ino));
    this.#setVirtual(node, parent.node, name);
    return node;
  }

  #setVirtual(node: NodeId, directory: NodeId, name: Name): void {
    this.#virtualPlaces.set(node, { directory, name });
    this.#set(directory, name, { owner: this.#virtualOwner, fileName: undefined, node, label: undefined });
  }

  #setMount({ target, spec, fileName }: MountOver, { owner, directory, name }: Attached): void {
    const node = fileName === undefined ? rootOf(owner) : undefined;
    this.#set(directory, name, { owner, fileName, node, label: spec });
    this.#byTarget.set(target, { owner, directory, name });
  }

  /** Virtual directories are there for the mounts below them. */
  #dropEmptyVirtual(): void {
    // The newest first: one holds another only when it is older.
    for (const [node, { directory, name }] of [...this.#virtualPlaces].reverse()) {
      if (this.mounted.table.in(node) !== undefined) continue;
      this.#virtualPlaces.delete(node);
      this.#set(directory, name, undefined);
      this.#giveBack(directory);
    }
  }

  /** The reference that a mount point holds of its directory; the root of all has none. */
  #giveBack(directory: NodeId): void {
    if (directory !== ROOT_NODE) this.mounted.forget(directory, 1);
  }

  #set(directory: NodeId, name: Name, point: MountPoint | undefined): void {
    if (point === undefined) this.mounted.table.delete(directory, name);
    else this.mounted.table.set(directory, name, point);
    this.#onChange({ directory, name, point });
  }
}
