/** A page of a directory: names with the layer that wins each of them. */

import { TreeReader } from '../../archive/tree/tree-reader.js';
import { ENOTDIR } from '../../errno/errno.js';
import { fsError } from '../../errno/fs-error.js';
import { objectFacts } from '../../image/contents/shown-facts.js';
import { S_IFDIR, S_IFMT } from '../../linux/constants.js';
import type { LayeredDirectory } from '../../union/layered-directory.js';
import { displayName, type Name } from '../../vfs/name.js';
import { type NodeId, ROOT_NODE } from '../../vfs/node-id.js';
import type { DirectoryReply, ShownEntry, ShownFacts } from '../api.js';
import type { ShownTree } from './shown-tree.js';
import { TreeCache } from './tree-cache.js';

const MOST_ENTRIES = 1000;
/** A directory of 200,000 names is read once for all of its pages. */
const KEEP_NAMES_MS = 5_000;

const keptNames = new TreeCache<{ readonly names: readonly Name[] }>(KEEP_NAMES_MS);

interface Page {
  /** What tells the tree from others. */
  readonly source: string;
  readonly path: Name;
  readonly from: number;
  readonly count: number;
  /** The page that has this name is wanted, if there is one. */
  readonly name: Name | undefined;
  /** Something was changed in it: what is kept of it does not count. */
  readonly isChanged: boolean;
}

/** What is mounted, by path. */
export type MountTypes = ReadonlyMap<Name, string>;

/** @throws FsError */
export function listDirectory(tree: ShownTree, page: Page, mounts: MountTypes): Promise<DirectoryReply> {
  const { source, path } = page;
  const count = Math.max(1, Math.min(page.count, MOST_ENTRIES));
  const mounted = namesOfMounts(path, mounts);
  const listing = listingOf(tree, path, mounted.size);
  const key = `${source}\n${path}`;
  if (page.isChanged) keptNames.drop(key);
  const read = () => ({ names: withMounts(listing.names(), mounted) });
  return keptNames
    .with(key, read, ({ names }) => {
      const at = page.name === undefined ? -1 : names.indexOf(page.name);
      const from = at < 0 ? page.from : at - (at % count);
      return {
        total: names.length,
        from,
        entries: names.slice(from, from + count).map((name) => {
          const entry = listing.entry(name);
          const mount = mounted.get(name);
          const facts = entry.facts ?? (mount === FOR_A_MOUNT ? MADE_DIRECTORY : undefined);
          return { ...entry, facts, name: displayName(name), mount };
        }),
      };
    })
    .finally(() => listing[Symbol.dispose]());
}

/** A directory that no layer has: it leads to a mount. */
const FOR_A_MOUNT = 'directory for a mount';
const MADE_DIRECTORY: ShownFacts = {
  type: 'directory',
  mode: 0o755,
  uid: 0,
  gid: 0,
  sizeBytes: 0,
  mtimeMs: 0,
};

/** The names of a directory that are mount points or lead to some, with what is mounted. */
function namesOfMounts(path: Name, mounts: MountTypes): Map<Name, string> {
  const above = path === '' ? '' : `${path}/`;
  const names = new Map<Name, string>();
  for (const [target, type] of mounts) {
    if (!target.startsWith(above)) continue;
    const [name = '', ...below] = target.slice(above.length).split('/');
    if (below.length === 0) names.set(name, type);
    else if (!names.has(name)) names.set(name, FOR_A_MOUNT);
  }
  return names;
}

/** Sorted, as the names are. */
function withMounts(names: readonly Name[], mounted: ReadonlyMap<Name, string>): readonly Name[] {
  return mounted.size === 0 ? names : [...new Set([...names, ...mounted.keys()])].sort();
}

function listingOf(tree: ShownTree, path: Name, mounted: number): Listing {
  if (tree.union === undefined) return new PlainListing(tree, path);
  const directory = tree.union.layered(namesOfPath(path));
  if (directory !== undefined) return new LayeredListing(directory, tree.top);
  if (mounted > 0) return NO_LISTING;
  throw fsError(ENOTDIR, 'readdir', path);
}

type EntryFacts = Omit<ShownEntry, 'name' | 'mount'>;

interface Listing extends Disposable {
  names(): readonly Name[];
  entry(name: Name): EntryFacts;
}

export function namesOfPath(path: Name): Name[] {
  return path.split('/').filter((name) => name !== '' && name !== '.' && name !== '..');
}

/** The listing of a directory that no layer has. */
const NO_LISTING: Listing = {
  names: () => [],
  entry: () => ({ facts: undefined, layer: 0, layers: [], hidden: undefined }),
  [Symbol.dispose]: () => undefined,
};

class LayeredListing implements Listing {
  readonly #directory: LayeredDirectory;
  readonly #top: number;

  constructor(directory: LayeredDirectory, top: number) {
    this.#directory = directory;
    this.#top = top;
  }

  names(): readonly Name[] {
    return this.#directory.names();
  }

  entry(name: Name): EntryFacts {
    const objects = this.#directory.eachObject(name, (object) => ({
      layer: this.#top - object.layer,
      facts: objectFacts(object.stat),
      hiddenBy: object.hiddenBy,
    }));
    const first = objects.find(({ hiddenBy }) => hiddenBy === undefined) ?? objects[0];
    const hiddenBy = first?.hiddenBy;
    return {
      facts: first?.facts,
      layer: first?.layer ?? 0,
      layers: objects.map(({ layer }) => layer),
      hidden: hiddenBy && { layer: this.#top - hiddenBy.layer, kind: hiddenBy.kind },
    };
  }

  [Symbol.dispose](): void {
    this.#directory[Symbol.dispose]();
  }
}

class PlainListing implements Listing {
  readonly #reader: TreeReader;
  readonly #held: NodeId[];

  constructor({ fs }: ShownTree, path: Name) {
    this.#reader = new TreeReader(fs);
    this.#held = [ROOT_NODE];
    for (const name of namesOfPath(path)) {
      const node = this.#reader.lookup(this.#held.at(-1)!, name);
      if (node !== undefined) this.#held.push(node.id);
      if (node === undefined || (node.attr.mode & S_IFMT) !== S_IFDIR) {
        this[Symbol.dispose]();
        throw fsError(ENOTDIR, 'readdir', path);
      }
    }
  }

  names(): readonly Name[] {
    return this.#reader.list(this.#held.at(-1)!).map(({ name }) => name);
  }

  entry(name: Name): EntryFacts {
    const node = this.#reader.lookup(this.#held.at(-1)!, name);
    if (node !== undefined) this.#reader.forget(node);
    return { facts: node && objectFacts(node.attr), layer: 0, layers: [], hidden: undefined };
  }

  [Symbol.dispose](): void {
    for (const id of this.#held.splice(1)) this.#reader.fs.forget(id, 1);
  }
}
