/**
 * Nodes: what the kernel knows of the union, one for each directory or file, and the table of them.
 *
 * A node is found by its id (requests) or by layer and inode number of its topmost object (lookup). What an inode number
 * does not identify (below a foreign mount; several names in a lower where there is no index) is found by name in
 * its parent (`namedChildren`).
 *
 * INVARIANT: a node is in the table while the kernel holds references (`nlookup`) or children hang on it (`children`).
 * INVARIANT: `dirs` of a directory is never empty, topmost first; `dirs[0]` lies in upper exactly when it was copied up.
 * INVARIANT: a file is reached by `parent` and `name` in `layer`, by `indexName` in the index, or by `orphanFd` once its
 * name is gone.
 */

import type { OpenFile } from '../files/open-files.js';
import type { SyncFailure } from '../files/sync-failure.js';
import { S_IFDIR, S_IFMT } from '../linux/constants.js';
import type { Listing } from '../vfs/listing.js';
import type { Name } from '../vfs/name.js';
import { NO_NODE, type NodeId, ROOT_NODE } from '../vfs/node-id.js';

import type { KeptCtime } from './kept-ctime.js';
import type { Layer, RealDirectory } from './layer.js';

/** A file of a lower. */
export interface DataPlace {
  readonly dir: RealDirectory;
  readonly name: Name;
  /** No layer of data alone has it: opening the file is ENOENT. */
  readonly isMissing?: boolean;
}

export class UnionNode implements OpenFile {
  readonly id: NodeId;
  nlookup = 0;
  /** Nodes that name this one as their parent. */
  children = 0;

  /** st_mode; the type never changes. */
  mode: number;
  /** Inode number as reported: that of the object before any copy-up. */
  ino: number;
  /** Inode number of the topmost object in `layer`. */
  realIno: number;
  /** The layer of the topmost object. */
  layer: Layer;
  /** The ctime that a copy-up would change; undefined when none did. */
  keptCtime: KeptCtime | undefined;
  parent: UnionNode | undefined;
  name: Name;
  /** Whether the node is found through `parent.namedChildren` and not through `layer.nodes`. */
  byName = false;
  namedChildren: Map<Name, UnionNode> | undefined;

  /** Where the data lies while the topmost object has the metadata only (metacopy). */
  data: DataPlace | undefined;
  /** Value of the `redirect` xattr of the object in upper. */
  redirect: Name | undefined;
  /** Name in the index directory, for a file of upper that has several names in a lower: its home. */
  indexName: Name | undefined;
  /** Names that the union shows less those of the inode in upper, for a file with `indexName`. */
  nlinkDelta = 0;

  /** Bits of protection.ts that we keep ourselves; undefined when not known. */
  protection: number | undefined;

  /** Directories only. */
  dirs: RealDirectory[] | undefined;
  listing: Listing | undefined;
  /** Whether its directory in upper holds copied-up files; undefined when not known. */
  impure: boolean | undefined;
  /** Impure, but perhaps without a copy: the next listing looks. */
  mayBePure = true;

  /** Descriptor of a file in upper whose name is gone; -1 otherwise. */
  orphanFd = -1;
  /** The `orphanFd` of a removal that is under way; -1 otherwise. */
  nextOrphanFd = -1;
  /** Whether the last name was removed from the union. */
  removed = false;
  /** Opens that were not released. */
  openCount = 0;
  /** The kernel's id of the file it reads and writes for all opens; 0 for none. */
  backingId = 0;
  /** The kernel cannot take this file as a backing file (a stacked file system, a character of its storage). */
  refusesBacking = false;
  /** Whether the opens that were not released have a backing file. */
  opensBacked = false;
  mayBeMapped = false;
  /** Size of a file whose data is on a lower, as last looked at. */
  sizeBytes = 0;
  /** Whether its data was put into the kernel's cache. */
  isStored = false;
  /** Whether its data in a lower is program code; undefined when not known. */
  isProgram: boolean | undefined;
  /** Whether an open with a backing file came since the kernel's cache of the file was last dropped. */
  cachePassed = false;
  /** The last sync that failed since the file was opened. */
  syncFailure: SyncFailure | undefined;
  /** The backing file is the lower one from before a copy-up. */
  backingOutdated = false;
  /** The file's node since it was written; this one serves those who had the lower file open before. */
  heir: UnionNode | undefined;
  /** The file had further names then, by which the kernel may still reach this node. */
  heirHasNames = false;
  /** While `backingOutdated`: O_PATH descriptor of that lower file. */
  backingFd = -1;
  /** Descriptors for reads and writes that the kernel leaves to us; shared by all opens; -1 when not open. */
  readFd = -1;
  writeFd = -1;
  writeFdAppends = false;
  /** Whether the file has a security.capability; undefined when not known. */
  hasCapability: boolean | undefined;

  constructor(id: NodeId, layer: Layer, ino: number) {
    this.id = id;
    this.layer = layer;
    this.ino = ino;
    this.realIno = ino;
    this.mode = 0;
    this.name = '';
  }

  get isDirectory(): boolean {
    return (this.mode & S_IFMT) === S_IFDIR;
  }

  /** Path within the union, '/' for its root; for messages and `why`. */
  path(): string {
    if (this.parent === undefined) return '/';
    const above = this.parent.path();
    return above === '/' ? `/${this.name}` : `${above}/${this.name}`;
  }
}

export class NodeTable {
  readonly #nodes = new Map<number, UnionNode>();
  #next = ROOT_NODE as number;

  get size(): number {
    return this.#nodes.size;
  }

  get(id: NodeId): UnionNode | undefined {
    return this.#nodes.get(id);
  }

  /** A new node with an id that no living node has. */
  make(layer: Layer, ino: number): UnionNode {
    let id = this.#next;
    while (id === NO_NODE || this.#nodes.has(id)) id = (id + 1) % 2 ** 32;
    this.#next = (id + 1) % 2 ** 32;
    const node = new UnionNode(id as NodeId, layer, ino);
    this.#nodes.set(id, node);
    return node;
  }

  delete(node: UnionNode): void {
    this.#nodes.delete(node.id);
  }

  values(): IterableIterator<UnionNode> {
    return this.#nodes.values();
  }
}
