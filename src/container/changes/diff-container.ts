/**
 * `diff`: what a container's upper adds, changes and deletes, as Docker prints it.
 *
 * Only what upper holds is walked; the layers are asked about single names. Two cases need more: a directory that is
 * opaque or was renamed to its place (what did it hide, what came with it), which is compared with the lower one; and a
 * file of the layers with several names, written to by one of them: the others are looked for.
 *
 * An object in upper counts as changed whatever it holds, so no edit is missed. A directory counts when its own
 * attributes differ, or something in it did; the root only for its mode, owner and extended attributes.
 */

import { existsSync, lstatSync, readdirSync, type Stats } from 'node:fs';
import { indexedNames, type NameTree } from '../../archive/tree/indexed-names.js';
import { TreeReader } from '../../archive/tree/tree-reader.js';
import { ownFolder } from '../../daemon/config/own-uppers.js';
import { findInside } from '../../daemon/session/open-image.js';
import { layerTreePath } from '../../image/catalog/image-index.js';
import { AT_FDCWD, S_IFDIR, S_IFMT } from '../../linux/constants.js';
import type { MountRequest } from '../../mounts/request/types.js';
import { type ContainerRecord, imageLayersOf, ownLayersOf } from '../../store/container-record.js';
import type { Store } from '../../store/store.js';
import { readMark } from '../../union/form/marks.js';
import { PrivateXattrs } from '../../union/form/overlay-xattrs.js';
import { xattrNamespaceHere } from '../../union/form/xattr-namespace.js';
import type { Attr } from '../../vfs/attr.js';
import { displayName, type Name, nameFromText } from '../../vfs/name.js';
import { type NodeId, ROOT_NODE } from '../../vfs/node-id.js';
import { realHome } from '../record/real-root.js';
import { cowFolder } from '../tree/cow-folder.js';
import { ImageTree } from '../tree/image-tree.js';
import { readyOwnDisk } from '../tree/own-disk.js';

interface Change {
  readonly kind: 'A' | 'C' | 'D';
  /** Text, absolute. */
  readonly path: string;
}

/** Sorted by path. Of a running container, changes made meanwhile may be in it or not. */
export function diffContainer(store: Store, record: ContainerRecord): Change[] {
  readyOwnDisk(store, record);
  const home = realHome(store, record.id);
  const [image, own] = [imageLayersOf(record), ownLayersOf(record)].map((layers) =>
    layers.map((hex) => layerTreePath(store, hex)),
  ) as [string[], string[]];
  using lower = new ImageTree(image.length > 0 ? image : [`${home}/merged`]);
  using merged = new ImageTree([...image, ...own], home);
  const diff = new Diff(lower, merged);
  diff.root();
  const uppers = [`${home}/upper`, ...own.toReversed()].map(nameFromText);
  diff.walk({ uppers, lower: ROOT_NODE, merged: ROOT_NODE, path: '' });
  diff.addOtherNames();
  return inOrder([
    ...diff.sorted(),
    ...record.mounts.flatMap(({ request }) => changesOfBind(home, request, [...image, ...own])),
  ]);
}

/** What was changed in a bind with `cow`, which is the container's too. */
function changesOfBind(home: string, request: MountRequest, layers: readonly string[]): Change[] {
  if (request.type !== 'bind' || request.cow !== true) return [];
  const own = displayName(ownFolder(cowFolder(nameFromText(home)), request));
  if (!existsSync(`${own}/upper`) || !existsSync(request.source)) return [];
  const path = nameFromText(request.target.slice(1));
  const merges = request.merge === true;
  const found = merges ? findInside(layers.map(nameFromText), path, xattrNamespaceHere()).directories : [];
  const below = [...found.map(displayName), request.source];
  using lower = new ImageTree(below);
  using merged = new ImageTree(below, own);
  const diff = new Diff(lower, merged);
  diff.walk({
    uppers: [nameFromText(`${own}/upper`)],
    lower: ROOT_NODE,
    merged: ROOT_NODE,
    path: nameFromText(request.target),
  });
  return diff.sorted();
}

function inOrder(changes: readonly Change[]): Change[] {
  return [...changes].sort((a, b) => (a.path < b.path ? -1 : Number(a.path > b.path)));
}

/** One directory in three views. */
interface ComparedDirectory {
  /** Paths on the host, topmost first: in upper, and in layers that were upper before a snapshot. */
  readonly uppers: readonly Name[];
  readonly lower: NodeId;
  readonly merged: NodeId;
  /** In the container, without a trailing slash. */
  readonly path: Name;
}

interface Seen {
  readonly node: NodeId;
  readonly isDirectory: boolean;
  /** What of its attributes counts, in one text. */
  readonly attributes: string;
}

class Diff {
  readonly #lower: ImageTree;
  readonly #merged: ImageTree;
  readonly #marks = new PrivateXattrs(xattrNamespaceHere());
  readonly #changes = new Map<Name, Change['kind']>();

  constructor(lower: ImageTree, merged: ImageTree) {
    this.#lower = lower;
    this.#merged = merged;
  }

  sorted(): Change[] {
    const names = [...this.#changes.keys()].sort();
    return names.map((path) => ({ kind: this.#changes.get(path)!, path: displayName(path) }));
  }

  root(): void {
    const [before, after] = [this.#lower, this.#merged].map((tree) => {
      const { mode, uid, gid } = tree.attributes(ROOT_NODE);
      return JSON.stringify([mode, uid, gid, xattrsOf(tree, ROOT_NODE)]);
    });
    if (before !== after) this.#changes.set('/', 'C');
  }

  /** @returns whether something in the directory changed. */
  walk(place: ComparedDirectory): boolean {
    const before = this.#changes.size;
    const names = place.uppers.flatMap((upper) => readdirSync(Buffer.from(upper, 'latin1'), 'latin1'));
    for (const name of new Set(names)) this.#entry(place, name);
    return this.#changes.size > before;
  }

  /** A file's other names show its new content too, though upper holds only one. */
  addOtherNames(): void {
    const names = indexedNames(new TreeReader(this.#merged.fs), this.#merged.fs);
    if (names !== undefined) this.#addNames(names, '');
  }

  #addNames(names: NameTree, path: Name): void {
    for (const [name, below] of names) {
      const at = `${path}/${name}`;
      if (!this.#changes.has(at)) this.#changes.set(at, 'C');
      this.#addNames(below, at);
    }
  }

  #entry(place: ComparedDirectory, name: Name): void {
    const path = `${place.path}/${name}`;
    const found = objectsAt(place.uppers, name);
    const stat = found[0]?.stat;
    if (stat === undefined) return;
    const lower = look(this.#lower, place.lower, name);
    const merged = look(this.#merged, place.merged, name);
    if (isWhiteoutStat(stat)) {
      if (lower !== undefined && merged === undefined) this.#changes.set(path, 'D');
      return;
    }
    // Gone while we looked.
    if (merged === undefined) return;
    if (!stat.isDirectory()) {
      this.#changes.set(path, lower === undefined ? 'A' : 'C');
      return;
    }
    if (lower?.isDirectory !== true) {
      this.#changes.set(path, lower === undefined ? 'A' : 'C');
      this.#addAll(merged.node, path);
      return;
    }
    // What lies below something else than a directory does not show.
    const end = found.findIndex((one) => !one.stat.isDirectory());
    const uppers = found.slice(0, end < 0 ? found.length : end).map((one) => one.path);
    const isOther = uppers.some((upper) => this.#isOpaqueOrMoved(upper));
    const changed = isOther
      ? this.#compare(lower.node, merged.node, path)
      : this.walk({ uppers, lower: lower.node, merged: merged.node, path });
    if (changed || isOther || lower.attributes !== merged.attributes) this.#changes.set(path, 'C');
  }

  #isOpaqueOrMoved(upper: Name): boolean {
    const { opaque, redirect } = this.#marks;
    return readMark(AT_FDCWD, upper, opaque) === 'y' || readMark(AT_FDCWD, upper, redirect) !== '';
  }

  /** All below a directory that the image has not. */
  #addAll(directory: NodeId, path: Name): void {
    for (const name of this.#merged.list(directory)) {
      const found = look(this.#merged, directory, name);
      if (found === undefined) continue;
      this.#changes.set(`${path}/${name}`, 'A');
      if (found.isDirectory) this.#addAll(found.node, `${path}/${name}`);
    }
  }

  /** Two directories that have nothing but their place in common. @returns whether they differ. */
  #compare(lowerDirectory: NodeId, mergedDirectory: NodeId, path: Name): boolean {
    const before = this.#changes.size;
    const names = new Set([...this.#lower.list(lowerDirectory), ...this.#merged.list(mergedDirectory)]);
    for (const name of names) {
      const at = `${path}/${name}`;
      const lower = look(this.#lower, lowerDirectory, name);
      const merged = look(this.#merged, mergedDirectory, name);
      if (merged === undefined) this.#changes.set(at, 'D');
      else if (lower === undefined) {
        this.#changes.set(at, 'A');
        if (merged.isDirectory) this.#addAll(merged.node, at);
      } else if (!(lower.isDirectory && merged.isDirectory)) {
        this.#changes.set(at, 'C');
        if (merged.isDirectory) this.#addAll(merged.node, at);
      } else if (this.#compare(lower.node, merged.node, at) || lower.attributes !== merged.attributes) {
        this.#changes.set(at, 'C');
      }
    }
    return this.#changes.size > before;
  }
}

/** What the directories have under a name, topmost first. */
function objectsAt(
  directories: readonly Name[],
  name: Name,
): { readonly path: Name; readonly stat: Stats }[] {
  return directories.flatMap((directory) => {
    const path = `${directory}/${name}`;
    const stat = lstatSync(Buffer.from(path, 'latin1'), { throwIfNoEntry: false });
    return stat === undefined ? [] : [{ path, stat }];
  });
}

function isWhiteoutStat(stat: Stats): boolean {
  return stat.isCharacterDevice() && stat.rdev === 0;
}

function look(tree: ImageTree, directory: NodeId, name: Name): Seen | undefined {
  const found = tree.lookup(directory, name);
  if (found === undefined) return undefined;
  const { node, attr } = found;
  const isDirectory = (attr.mode & S_IFMT) === S_IFDIR;
  return { node, isDirectory, attributes: isDirectory ? attributesOf(tree, node, attr) : '' };
}

function attributesOf(tree: ImageTree, node: NodeId, attr: Attr): string {
  const { mode, uid, gid, mtimeSec, mtimeNsec } = attr;
  return JSON.stringify([mode, uid, gid, mtimeSec, mtimeNsec, xattrsOf(tree, node)]);
}

function xattrsOf(tree: ImageTree, node: NodeId): [Name, string][] {
  return [...tree.xattrs(node)].sort(([a], [b]) => (a < b ? -1 : 1));
}
