/**
 * Puts the requested mounts at their places over the union.
 *
 * A target is resolved inside what is mounted so far: symlinks in it are followed within the root, never out of it;
 * parts that do not exist become virtual directories. Shallow targets go first, so that a deeper one lands on top:
 * `planMounts` sorts by the text of the targets, this by where symlinks of the union lead.
 */

import { UserError } from '../errno/user-error.js';
import { S_IFDIR, S_IFLNK, S_IFMT } from '../linux/constants.js';
import { Entry, type StatFs } from '../vfs/attr.js';
import type { FileSystem } from '../vfs/file-system.js';
import { displayName, type Name, nameFromText } from '../vfs/name.js';
import { type NodeId, nodeId, ROOT_NODE } from '../vfs/node-id.js';
import { rootOf } from './mount-table.js';
import { MountedFileSystem } from './mounted-file-system.js';
import type { OpenedSource } from './open-source.js';
import { VirtualDirectories } from './virtual-directories.js';

export interface MountOver {
  /** Absolute path in the union. */
  readonly target: string;
  readonly spec: string;
  readonly source: OpenedSource;
}

/** As in the kernel: fs/namei.c MAXSYMLINKS. */
const MAX_SYMLINKS = 40;

export function attachMounts(union: FileSystem, mounts: readonly MountOver[]): MountedFileSystem {
  const mounted = new MountedFileSystem(union);
  const virtual = new VirtualDirectories((out: StatFs) => union.statfs(ROOT_NODE, out));
  const virtualOwner = mounted.add(virtual);
  const resolver = (): Resolver => new Resolver(mounted, virtual, virtualOwner);
  const depths = new Map(mounts.map((mount) => [mount, resolver().depth(mount)]));
  for (const mount of mounts.toSorted((a, b) => depths.get(a)! - depths.get(b)!)) {
    const owner = mounted.add(mount.source.system);
    resolver().place(mount, owner);
  }
  return mounted;
}

/** Finds the directory and the name of one target. */
class Resolver {
  readonly #mounted: MountedFileSystem;
  readonly #virtual: VirtualDirectories;
  readonly #virtualOwner: number;
  readonly #entry = new Entry();
  /** Directories from the root down to where the walk stands; each holds a reference, which is never given back. */
  #path: { node: NodeId; ino: number }[] = [{ node: ROOT_NODE, ino: 0 }];
  #links = 0;

  constructor(mounted: MountedFileSystem, virtual: VirtualDirectories, virtualOwner: number) {
    this.#mounted = mounted;
    this.#virtual = virtual;
    this.#virtualOwner = virtualOwner;
  }

  /** How many names the target has when symlinks of what is mounted so far are followed. */
  depth({ target, spec }: MountOver): number {
    const names = splitPath(nameFromText(target));
    for (;;) {
      const name = names.shift();
      if (name === undefined) return this.#path.length - 1;
      if (name === '..') {
        if (this.#path.length > 1) this.#path.pop();
        continue;
      }
      const here = this.#path[this.#path.length - 1]!;
      if (!this.#mounted.lookup(here.node, name, this.#entry)) return this.#path.length + names.length;
      const type = this.#entry.attr.mode & S_IFMT;
      if (type === S_IFLNK) this.#follow(names, spec);
      else if (type !== S_IFDIR) return this.#path.length + names.length;
      else this.#path.push({ node: this.#entry.nodeId, ino: this.#entry.attr.ino });
    }
  }

  place({ target, spec, source }: MountOver, owner: number): void {
    const { directory, name, type } = this.#resolve(target, spec);
    const { fileName } = source;
    if (this.#mounted.table.get(directory, name)?.label !== undefined) {
      throw new UserError(`Duplicate mount point: ${target}`, {
        hint: 'symlinks of the layers lead two targets to one place',
      });
    }
    if (type !== undefined && (type === S_IFDIR) !== (fileName === undefined)) {
      const kinds = fileName === undefined ? 'a directory over a file' : 'a file over a directory';
      throw new UserError(`cannot mount '${spec}': '${target}' would be ${kinds}`, {
        hint: 'source and target must both be files or both be directories',
      });
    }
    this.#mounted.table.set(directory, name, {
      owner,
      fileName,
      node: fileName === undefined ? rootOf(owner) : undefined,
      label: spec,
    });
  }

  /** Walks all but the last name; `type` is what lies at the last one now. */
  #resolve(target: string, spec: string): { directory: NodeId; name: Name; type: number | undefined } {
    const names = splitPath(nameFromText(target));
    for (;;) {
      const name = names.shift();
      if (name === undefined) {
        throw new UserError(`cannot mount '${spec}': target '${target}' resolves to the root`);
      }
      if (name === '..') {
        if (this.#path.length > 1) this.#path.pop();
        continue;
      }
      const here = this.#path[this.#path.length - 1]!;
      const found = this.#mounted.lookup(here.node, name, this.#entry);
      const type = found ? this.#entry.attr.mode & S_IFMT : undefined;
      if (type === S_IFLNK) {
        this.#follow(names, spec);
        continue;
      }
      if (names.length === 0) return { directory: here.node, name, type };
      if (type === undefined) this.#enterVirtual(here, name);
      else if (type === S_IFDIR) this.#path.push({ node: this.#entry.nodeId, ino: this.#entry.attr.ino });
      else {
        throw new UserError(
          `cannot mount '${spec}': '${displayName(name)}' in '${target}' is not a directory`,
        );
      }
    }
  }

  /** Replaces the symlink just found by what it says. */
  #follow(names: Name[], spec: string): void {
    if (++this.#links > MAX_SYMLINKS) throw new UserError(`cannot mount '${spec}': too many symbolic links`);
    const content = this.#mounted.readlink(this.#entry.nodeId);
    if (content.startsWith('/')) this.#path.length = 1;
    names.unshift(...splitPath(content));
  }

  #enterVirtual(here: { node: NodeId; ino: number }, name: Name): void {
    const node = nodeId(this.#virtualOwner, this.#virtual.make(here.ino));
    this.#mounted.table.set(here.node, name, {
      owner: this.#virtualOwner,
      fileName: undefined,
      node,
      label: undefined,
    });
    this.#path.push({ node, ino: 0 });
  }
}

function splitPath(path: Name): Name[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}
