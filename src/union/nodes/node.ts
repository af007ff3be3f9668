/**
 * Nodes: what the kernel knows of the union, one for each directory or file.
 *
 * A node is found by its id (requests) or by layer and inode number of its topmost object (lookup). What an inode number
 * does not identify (below a foreign mount; several names in a lower where there is no index) is found by name in
 * its parent (`namedChildren`).
 *
 * INVARIANT: `dirs` of a directory is never empty, topmost first; `dirs[0]` lies in upper exactly when it was copied up.
 * INVARIANT: a file is reached by `parent` and `name` in `layer`, by `indexName` in the index, or by `orphanFd` once its
 * name is gone.
 */

import { S_IFDIR, S_IFMT, STATX_ATTR_APPEND, STATX_ATTR_IMMUTABLE } from '../../linux/constants.js';
import type { OpenFile } from '../../realfs/open-files.js';
import type { OpenState } from '../../realfs/open-state.js';
import type { Name } from '../../vfs/name.js';
import type { NodeId } from '../../vfs/node-id.js';
import type { TableNode } from '../../vfs/node-table.js';
import type { Layer, RealDirectory } from '../stack/layer.js';
import type { KeptCtime } from './kept-ctime.js';
import type { Contents } from './listing/contents.js';

/** A file of a lower. */
export interface DataLocation {
  readonly dir: RealDirectory;
  readonly name: Name;
  /** No layer of data alone has it: opening the file is ENOENT. */
  readonly isMissing?: boolean;
}

/** What directories and files that were changed have beside what every node has; made when the first of it is set. */
class NodeDetails {
  /** Directories only. */
  dirs: RealDirectory[] | undefined;
  /** Children that are found by name and not by inode number. */
  namedChildren: Map<Name, UnionNode> | undefined;
  contents: Contents | undefined;
  /** Whether its directory in upper holds copied-up files; undefined when not known. */
  impure: boolean | undefined;
  /** Impure, but perhaps without a copy: the next listing looks. */
  mayBePure = true;
  /** What it was found to have when no copy was among it. */
  pureNames: readonly Name[] | undefined;
  /** Inode number as reported, where it is that of the object before a copy-up. */
  shownIno: number | undefined;
  /** The ctime that a copy-up would change; undefined when none did. */
  keptCtime: KeptCtime | undefined;
  /** Where the data lies while the topmost object has the metadata only (metacopy). */
  data: DataLocation | undefined;
  /** Value of the `redirect` xattr of the object in upper. */
  redirect: Name | undefined;
  /** Name in the index directory, for a file of upper that has several names in a lower: its home. */
  indexName: Name | undefined;
  /** Names that the union shows less those of the inode in upper, for a file with `indexName`. */
  nlinkDelta = 0;
  /** Descriptor of a file in upper whose name is gone; -1 otherwise. */
  orphanFd = -1;
  /** The `orphanFd` of a removal that is under way; -1 otherwise. */
  nextOrphanFd = -1;
  /**
   * Set where the node is split: it serves those who had the file of a lower open before it was written, and its successor is
   * the file since then.
   */
  successor: UnionNode | undefined;
  /** The file had further names then, by which the kernel may still reach this node. */
  successorHasNames = false;
}

/** Bits of a node beside st_mode, which takes the lowest 16. */
const BY_NAME = 1 << 16;
const REMOVED = 1 << 17;
const STORED = 1 << 18;
const AHEAD = 1 << 19;
const PROGRAM_KNOWN = 1 << 20;
const PROGRAM = 1 << 21;
const PROTECTION_KNOWN = 1 << 22;
/** STATX_ATTR_IMMUTABLE and STATX_ATTR_APPEND, moved up. */
const PROTECTION_SHIFT = 19;
const PROTECTION = (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND) << PROTECTION_SHIFT;
const LACKS_CAPABILITY = 1 << 25;
const MODE = 0xffff;

/** Eleven fields, some 140 bytes with the name; of many that were looked up and not changed most are packed (node-packing.ts). */
export class UnionNode implements OpenFile, TableNode {
  readonly id: NodeId;
  nlookup = 0;
  /** Nodes that name this one as their parent. */
  children = 0;
  #bits = 0;
  /** Inode number of the topmost object in `layer`. */
  realIno: number;
  /** The layer of the topmost object. */
  layer: Layer;
  parent: UnionNode | undefined;
  name: Name = '';
  /** Size of a file whose data is on a lower, as last looked at; at most 1 GiB. */
  sizeBytes = 0;
  openState: OpenState | undefined;
  #details: NodeDetails | undefined;

  constructor(id: NodeId, layer: Layer, realIno: number) {
    this.id = id;
    this.layer = layer;
    this.realIno = realIno;
  }

  /** st_mode; the type never changes. */
  get mode(): number {
    return this.#bits & MODE;
  }
  set mode(mode: number) {
    this.#bits = (this.#bits & ~MODE) | (mode & MODE);
  }

  /** Type, mode and what else is known of it in single bits, as one word. */
  get word(): number {
    return this.#bits;
  }
  set word(word: number) {
    this.#bits = word;
  }

  /** Inode number as reported: that of the object before any copy-up. */
  get ino(): number {
    return this.#details?.shownIno ?? this.layer.inodeNumber(this.realIno);
  }
  set ino(ino: number) {
    if (ino !== this.ino) this.#detailed().shownIno = ino;
  }

  /** Whether the node is found through `parent.namedChildren` and not through `layer.nodes`. */
  get byName(): boolean {
    return (this.#bits & BY_NAME) !== 0;
  }
  set byName(is: boolean) {
    this.#put(BY_NAME, is);
  }

  /** Whether the last name was removed from the union. */
  get removed(): boolean {
    return (this.#bits & REMOVED) !== 0;
  }
  set removed(is: boolean) {
    this.#put(REMOVED, is);
  }

  /** Whether its data was put into the kernel's cache. */
  get isStored(): boolean {
    return (this.#bits & STORED) !== 0;
  }
  set isStored(is: boolean) {
    this.#put(STORED, is);
  }

  /** Whether the disk was told that its data in a lower will be needed. */
  get isAhead(): boolean {
    return (this.#bits & AHEAD) !== 0;
  }
  set isAhead(is: boolean) {
    this.#put(AHEAD, is);
  }

  /** Whether its data in a lower is program code; undefined when not known. */
  get isProgram(): boolean | undefined {
    return (this.#bits & PROGRAM_KNOWN) === 0 ? undefined : (this.#bits & PROGRAM) !== 0;
  }
  set isProgram(is: boolean | undefined) {
    this.#put(PROGRAM_KNOWN, is !== undefined);
    this.#put(PROGRAM, is === true);
  }

  /** Bits of protection.ts that we keep ourselves; undefined when not known. */
  get protection(): number | undefined {
    const known = (this.#bits & PROTECTION_KNOWN) !== 0;
    return known ? (this.#bits & PROTECTION) >>> PROTECTION_SHIFT : undefined;
  }
  set protection(protection: number | undefined) {
    this.#bits &= ~(PROTECTION | PROTECTION_KNOWN);
    if (protection !== undefined)
      this.#bits |= PROTECTION_KNOWN | ((protection << PROTECTION_SHIFT) & PROTECTION);
  }

  /** Whether it is known to have no security.capability, which the kernel asks for before each write and chown. */
  get lacksCapability(): boolean {
    return (this.#bits & LACKS_CAPABILITY) !== 0;
  }
  set lacksCapability(lacks: boolean) {
    this.#put(LACKS_CAPABILITY, lacks);
  }

  /** Directories only. */
  get dirs(): RealDirectory[] | undefined {
    return this.#details?.dirs;
  }
  set dirs(value: RealDirectory[] | undefined) {
    if (value !== undefined || this.#details !== undefined) this.#detailed().dirs = value;
  }

  /** Children that are found by name and not by inode number. */
  get namedChildren(): Map<Name, UnionNode> | undefined {
    return this.#details?.namedChildren;
  }
  set namedChildren(value: Map<Name, UnionNode> | undefined) {
    if (value !== undefined || this.#details !== undefined) this.#detailed().namedChildren = value;
  }

  get contents(): Contents | undefined {
    return this.#details?.contents;
  }
  set contents(value: Contents | undefined) {
    if (value !== undefined || this.#details !== undefined) this.#detailed().contents = value;
  }

  /** Whether its directory in upper holds copied-up files; undefined when not known. */
  get impure(): boolean | undefined {
    return this.#details?.impure;
  }
  set impure(value: boolean | undefined) {
    if (value !== undefined || this.#details !== undefined) this.#detailed().impure = value;
  }

  /** Impure, but perhaps without a copy: the next listing looks. */
  get mayBePure(): boolean {
    return this.#details?.mayBePure ?? true;
  }
  set mayBePure(value: boolean) {
    if (value !== this.mayBePure) this.#detailed().mayBePure = value;
  }

  /** What it was found to have when no copy was among it. */
  get pureNames(): readonly Name[] | undefined {
    return this.#details?.pureNames;
  }
  set pureNames(value: readonly Name[] | undefined) {
    if (value !== undefined || this.#details !== undefined) this.#detailed().pureNames = value;
  }

  /** The ctime that a copy-up would change; undefined when none did. */
  get keptCtime(): KeptCtime | undefined {
    return this.#details?.keptCtime;
  }
  set keptCtime(value: KeptCtime | undefined) {
    if (value !== undefined || this.#details !== undefined) this.#detailed().keptCtime = value;
  }

  /** Where the data lies while the topmost object has the metadata only (metacopy). */
  get data(): DataLocation | undefined {
    return this.#details?.data;
  }
  set data(value: DataLocation | undefined) {
    if (value !== undefined || this.#details !== undefined) this.#detailed().data = value;
  }

  /** Value of the `redirect` xattr of the object in upper. */
  get redirect(): Name | undefined {
    return this.#details?.redirect;
  }
  set redirect(value: Name | undefined) {
    if (value !== undefined || this.#details !== undefined) this.#detailed().redirect = value;
  }

  /** Name in the index directory, for a file of upper that has several names in a lower: its home. */
  get indexName(): Name | undefined {
    return this.#details?.indexName;
  }
  set indexName(value: Name | undefined) {
    if (value !== undefined || this.#details !== undefined) this.#detailed().indexName = value;
  }

  /** Names that the union shows less those of the inode in upper, for a file with `indexName`. */
  get nlinkDelta(): number {
    return this.#details?.nlinkDelta ?? 0;
  }
  set nlinkDelta(value: number) {
    if (value !== this.nlinkDelta) this.#detailed().nlinkDelta = value;
  }

  /** Descriptor of a file in upper whose name is gone; -1 otherwise. */
  get orphanFd(): number {
    return this.#details?.orphanFd ?? -1;
  }
  set orphanFd(value: number) {
    if (value !== this.orphanFd) this.#detailed().orphanFd = value;
  }

  /** The `orphanFd` of a removal that is under way; -1 otherwise. */
  get nextOrphanFd(): number {
    return this.#details?.nextOrphanFd ?? -1;
  }
  set nextOrphanFd(value: number) {
    if (value !== this.nextOrphanFd) this.#detailed().nextOrphanFd = value;
  }

  /**
   * Set where the node is split: it serves those who had the file of a lower open before it was written, and its successor is
   * the file since then.
   */
  get successor(): UnionNode | undefined {
    return this.#details?.successor;
  }
  set successor(value: UnionNode | undefined) {
    if (value !== undefined || this.#details !== undefined) this.#detailed().successor = value;
  }

  /** The file had further names then, by which the kernel may still reach this node. */
  get successorHasNames(): boolean {
    return this.#details?.successorHasNames ?? false;
  }
  set successorHasNames(value: boolean) {
    if (value !== this.successorHasNames) this.#detailed().successorHasNames = value;
  }

  /** Whether it is as lookup made it: a file that was not opened or changed since. */
  get isUnchanged(): boolean {
    return this.#details === undefined && this.openState === undefined && !this.removed;
  }

  /** Whether a lookup of its name would make it as it is, but for its opens, and by its inode number. */
  get isAsFound(): boolean {
    return this.#details === undefined && (this.#bits & (REMOVED | BY_NAME)) === 0;
  }

  /** Opens that were not released. */
  get openCount(): number {
    return this.openState?.openCount ?? 0;
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

  #put(bit: number, is: boolean): void {
    if (is) this.#bits |= bit;
    else this.#bits &= ~bit;
  }

  #detailed(): NodeDetails {
    this.#details ??= new NodeDetails();
    return this.#details;
  }
}

/** PRECONDITION: the node is a directory. */
export function directoriesOf(node: UnionNode): RealDirectory[] {
  const { dirs } = node;
  if (dirs === undefined) throw new Error(`'${node.path()}' has no real directories`);
  return dirs;
}
