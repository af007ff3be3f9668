/** Finds the directory and the name that a target means, in the union and what is mounted over it so far. */

import { UserError } from '../../errno/user-error.js';
import { S_IFDIR, S_IFLNK, S_IFMT } from '../../linux/constants.js';
import { Entry } from '../../vfs/attr.js';
import { displayName, type Name, nameFromText } from '../../vfs/name.js';
import { type NodeId, ROOT_NODE } from '../../vfs/node-id.js';
import { PathNames } from '../../vfs/path-names.js';
import type { MountedFileSystem } from './mounted-file-system.js';

interface Step {
  readonly node: NodeId;
  readonly ino: number;
}

/** What lies at the end of a target. */
interface ResolvedTarget {
  readonly directory: NodeId;
  readonly name: Name;
  /** File type (S_IF*) of what is there now. */
  readonly type: number | undefined;
}

export class TargetWalk {
  readonly #mounted: MountedFileSystem;
  readonly #spec: string;
  readonly #entry = new Entry();
  /** Directories from the root down to where the walk stands. */
  readonly #path: Step[] = [{ node: ROOT_NODE, ino: 0 }];
  /** One for each reference that the walk has taken. */
  readonly #held: NodeId[] = [];

  /** @param spec what the user asked for, for errors. */
  constructor(mounted: MountedFileSystem, spec: string) {
    this.#mounted = mounted;
    this.#spec = spec;
  }

  /** How many names the target has; parts that do not exist count as they are. */
  depth(target: string): number {
    const names = new PathNames(nameFromText(target));
    for (;;) {
      const name = names.next();
      if (name === undefined) return this.#path.length - 1;
      const type = this.#step(name);
      if (type === S_IFLNK) this.#follow(names);
      else if (type !== S_IFDIR) return this.#path.length + names.rest.length;
      else if (name !== '..') this.#enter();
    }
  }

  /**
   * Walks all but the last name.
   * @param make makes a directory where there is none.
   * @throws UserError
   */
  resolve(target: string, make: (parent: Step, name: Name) => NodeId): ResolvedTarget {
    const names = new PathNames(nameFromText(target));
    for (;;) {
      const name = names.next();
      if (name === undefined) throw this.#problem(`target '${target}' resolves to the root`);
      const type = this.#step(name);
      if (type === S_IFLNK) this.#follow(names);
      else if (name === '..') continue;
      else if (names.isEmpty) return { directory: this.#here.node, name, type };
      else if (type === S_IFDIR) this.#enter();
      else if (type !== undefined)
        throw this.#problem(`'${displayName(name)}' in '${target}' is not a directory`);
      else {
        const parent = this.#here;
        this.keep(parent.node);
        this.#path.push({ node: make(parent, name), ino: 0 });
      }
    }
  }

  /** Leaves one reference of the node to the caller; the root and virtual directories need none. */
  keep(node: NodeId): void {
    const index = this.#held.indexOf(node);
    if (index >= 0) this.#held.splice(index, 1);
  }

  release(): void {
    for (const node of this.#held.splice(0)) this.#mounted.forget(node, 1);
  }

  get #here(): Step {
    return this.#path[this.#path.length - 1]!;
  }

  /** @returns the type of what the name is, undefined for nothing; S_IFDIR for `..`, which is entered at once. */
  #step(name: Name): number | undefined {
    if (name === '..') {
      if (this.#path.length > 1) this.#path.pop();
      return S_IFDIR;
    }
    if (!this.#mounted.lookup(this.#here.node, name, this.#entry)) return undefined;
    this.#held.push(this.#entry.nodeId);
    return this.#entry.attr.mode & S_IFMT;
  }

  #enter(): void {
    this.#path.push({ node: this.#entry.nodeId, ino: this.#entry.attr.ino });
  }

  /** Replaces the symlink just found by what it says. */
  #follow(names: PathNames): void {
    const from = names.follow(this.#mounted.readlink(this.#entry.nodeId));
    if (from === undefined) throw this.#problem('too many symbolic links');
    if (from === 'root') this.#path.length = 1;
  }

  #problem(what: string): UserError {
    return new UserError(`cannot mount '${this.#spec}': ${what}`);
  }
}
