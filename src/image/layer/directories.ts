/**
 * The directories of a layer that is being unpacked: which there are, what the tar says of each, and descriptors.
 *
 * INVARIANT: whatever is made lies below the root: each name is one component below the descriptor of its directory,
 * opened with O_NOFOLLOW. A directory is 0700 and ours until `finish()`, so that it can be written whatever its mode.
 */

import type { TarEntry } from '../../archive/tar/entry.js';
import { partsInside } from '../../archive/tar/parts-inside.js';
import { EEXIST, ENOENT } from '../../errno/errno.js';
import { check } from '../../errno/fs-error.js';
import { UserError } from '../../errno/user-error.js';
import {
  AT_SYMLINK_NOFOLLOW,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  STATX_BASIC_STATS,
} from '../../linux/constants.js';
import { mkdirat, readlinkat, renameat2, unlinkat } from '../../linux/files/directory.js';
import { close, openat } from '../../linux/files/open.js';
import { Statx, statx } from '../../linux/files/statx.js';
import { isDeviceWhiteout } from '../../union/form/overlay-xattrs.js';
import { displayName, type Name } from '../../vfs/name.js';
import { PathNames } from '../../vfs/path-names.js';

const NO_CHILDREN: ReadonlyMap<Name, LayerDirectory> = new Map();

export class LayerDirectory {
  readonly parent: LayerDirectory | undefined;
  readonly name: Name;
  /** Made with the first child: most directories of a hostile tar have none. */
  #children: Map<Name, LayerDirectory> | undefined;
  fd = -1;
  /** What the tar says of it; undefined: it came with something inside it. */
  entry: TarEntry | undefined;
  /** It hides what the layers below have in it. */
  isOpaque = false;
  /** And it is none of theirs: the layer deleted what they have here, or had a file in its place. */
  isReplaced = false;
  /** Something that is no directory and no whiteout was made in it. */
  hasObjects = false;

  #isHollow: boolean | undefined;

  constructor(parent: LayerDirectory | undefined, name: Name) {
    this.parent = parent;
    this.name = name;
  }

  get children(): ReadonlyMap<Name, LayerDirectory> {
    return this.#children ?? NO_CHILDREN;
  }

  add(child: LayerDirectory): void {
    this.#children ??= new Map();
    this.#children.set(child.name, child);
  }

  remove(name: Name): void {
    this.#children?.delete(name);
  }

  /**
   * Whether there are whiteouts alone, and the tar does not speak of it: it is then no directory of this layer.
   * PRECONDITION: all entries of the tar are there; the answer is kept.
   */
  isHollow(): boolean {
    if (this.parent === undefined || this.entry !== undefined || this.hasObjects) return false;
    this.#isHollow ??= [...this.children.values()].every((child) => child.isHollow());
    return this.#isHollow;
  }

  replaces(): void {
    this.isOpaque = true;
    this.isReplaced = true;
  }

  path(): Name {
    if (this.parent === undefined) return '';
    const above = this.parent.path();
    return above === '' ? this.name : `${above}/${this.name}`;
  }
}

/** On the way to an entry lies something of the same layer that is no directory, or leads out. */
export class NotADirectory extends UserError {}

function shownPath(parent: LayerDirectory, name: Name): string {
  const above = parent.path();
  return displayName(above === '' ? name : `${above}/${name}`);
}

const MAX_OPEN = 200;
const OPEN_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

export class LayerDirectories {
  readonly root = new LayerDirectory(undefined, '');
  readonly #open = new Set<LayerDirectory>();
  readonly #trashFd: number;
  readonly #stat = new Statx();
  #trashed = 0;
  #lastPath: Name | undefined;
  #last: LayerDirectory = this.root;
  /** How many were made. */
  made = 0;

  /** Both descriptors stay the caller's. `trashFd`: a directory beside the root that takes what is replaced. */
  constructor(rootFd: number, trashFd: number) {
    this.root.fd = rootFd;
    this.#trashFd = trashFd;
  }

  /** The directory at a path of plain names, made where it is missing. @throws UserError when something else is there. */
  at(path: Name): LayerDirectory {
    if (path === this.#lastPath) return this.#last;
    const directory = this.#walk(path, (parent, name) => this.#make(parent, name))!;
    this.#lastPath = path;
    this.#last = directory;
    return directory;
  }

  /** The directory at a path, when this layer has it. */
  find(path: Name): LayerDirectory | undefined {
    return this.#walk(path, (parent, name) => this.#symlinkAt(parent, name));
  }

  /**
   * Follows names, and the symlinks of this layer that stay in it.
   * @param onMissing a directory for a name that is none yet, or where the symlink there leads; undefined ends the walk.
   */
  #walk(
    path: Name,
    onMissing: (parent: LayerDirectory, name: Name) => LayerDirectory | Name | undefined,
  ): LayerDirectory | undefined {
    let directory = this.root;
    const names = new PathNames(path);
    for (let name = names.next(); name !== undefined; name = names.next()) {
      if (name === '..') {
        // Of a symlink's target, which #symlinkAt() has found to stay inside.
        directory = directory.parent ?? directory;
        continue;
      }
      const known = directory.children.get(name) ?? onMissing(directory, name);
      if (known === undefined) return undefined;
      if (typeof known !== 'string') directory = known;
      else if (names.follow(known) === undefined) throw this.#throughSymlink(directory, name);
    }
    return directory;
  }

  /** Where a symlink of this layer leads; undefined: there is none. @throws NotADirectory for one that leads out. */
  #symlinkAt(parent: LayerDirectory, name: Name): Name | undefined {
    const target = readlinkat(this.descriptor(parent), name);
    if (typeof target === 'number') return undefined;
    const above = parent.path();
    const isInside = !target.startsWith('/') && partsInside(`${above}/${target}`) !== undefined;
    if (target === '' || !isInside) throw this.#throughSymlink(parent, name);
    return target;
  }

  /** The descriptor of a directory that exists; valid until the next call. */
  descriptor(directory: LayerDirectory): number {
    if (directory.fd >= 0) {
      if (directory.parent !== undefined && this.#open.size > MAX_OPEN / 2) {
        this.#open.delete(directory);
        this.#open.add(directory);
      }
      return directory.fd;
    }
    const parentFd = this.descriptor(directory.parent!);
    directory.fd = check(openat(parentFd, directory.name, OPEN_FLAGS), 'open', directory.name);
    this.#remember(directory);
    return directory.fd;
  }

  /** Makes the directory of an entry, in place of what else has the name. */
  replace(parent: LayerDirectory, name: Name): LayerDirectory {
    const known = parent.children.get(name);
    if (known !== undefined) return known;
    // A whiteout, or a file: either hid what the layers below have here, and still does.
    const isReplaced = this.discard(parent, name);
    // What had the name is gone, so no symlink is in the way.
    const made = this.#make(parent, name) as LayerDirectory;
    if (isReplaced) made.replaces();
    return made;
  }

  /** Takes away what has the name in this layer. @returns whether there was something. */
  discard(parent: LayerDirectory, name: Name): boolean {
    const fd = this.descriptor(parent);
    if (!parent.children.has(name)) {
      const result = unlinkat(fd, name, 0);
      if (result === -ENOENT) return false;
      check(result, 'unlink', name);
    } else {
      check(renameat2(fd, name, this.#trashFd, String(this.#trashed++), 0), 'rename', name);
      parent.remove(name);
    }
    // It may have been a symlink that the last path leads through.
    this.#lastPath = undefined;
    return true;
  }

  /** Whether the layer has a whiteout of the name. */
  isWhiteout(parent: LayerDirectory, name: Name): boolean {
    const found = statx(this.descriptor(parent), name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, this.#stat);
    return found >= 0 && isDeviceWhiteout(this.#stat);
  }

  /** Children before their parents; descriptors are closed on the way. */
  *depthFirst(): Generator<LayerDirectory> {
    const stack: { directory: LayerDirectory; rest: Iterator<LayerDirectory> }[] = [
      { directory: this.root, rest: this.root.children.values() },
    ];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const next = top.rest.next();
      if (!next.done) {
        stack.push({ directory: next.value, rest: next.value.children.values() });
        continue;
      }
      stack.pop();
      yield top.directory;
      if (top.directory !== this.root) this.#close(top.directory);
    }
  }

  /** Closes all descriptors but that of the root. */
  close(): void {
    for (const directory of this.#open) this.#close(directory);
  }

  /** @returns where a symlink that has the name leads, in place of a new directory. */
  #make(parent: LayerDirectory, name: Name): LayerDirectory | Name {
    const fd = this.descriptor(parent);
    let result = mkdirat(fd, name, 0o700);
    const made = new LayerDirectory(parent, name);
    if (result === -EEXIST && this.isWhiteout(parent, name)) {
      check(unlinkat(fd, name, 0), 'unlink', name);
      result = mkdirat(fd, name, 0o700);
      made.replaces();
    }
    if (result === -EEXIST) {
      const target = this.#symlinkAt(parent, name);
      if (target !== undefined) return target;
      throw new NotADirectory(`an entry lies in '${shownPath(parent, name)}', which is no directory`);
    }
    check(result, 'mkdir', name);
    this.made++;
    parent.add(made);
    return made;
  }

  #throughSymlink(parent: LayerDirectory, name: Name): NotADirectory {
    const path = shownPath(parent, name);
    return new NotADirectory(`an entry leads through the symlink '${path}' of the same layer, and out of it`);
  }

  #remember(directory: LayerDirectory): void {
    if (this.#open.size >= MAX_OPEN) {
      for (const oldest of this.#open) {
        this.#close(oldest);
        break;
      }
    }
    this.#open.add(directory);
  }

  #close(directory: LayerDirectory): void {
    if (directory.fd >= 0) close(directory.fd);
    directory.fd = -1;
    this.#open.delete(directory);
  }
}
