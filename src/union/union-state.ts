/**
 * What the operations of the union share: layers, node table, descriptors, work directory, scratch memory.
 *
 * One thread, so the scratch records are free to use between two calls of other operations; `stat` is the result of
 * the last statx that an operation made itself, `other` belongs to whatever it calls.
 */

import { ENOENT, EROFS, ESTALE } from '../errno/errno.js';
import { check, fsError } from '../errno/fs-error.js';
import type { CallerIds } from '../files/caller-ids.js';
import { DescriptorCache } from '../files/descriptor-cache.js';
import type { HeldDescriptors } from '../files/held-descriptors.js';
import { LayerReads } from '../files/layer-reads.js';
import { OpenFiles } from '../files/open-files.js';
import {
  fillAttr,
  fillTimes,
  hasCapabilityAt,
  killPrivilegesAt,
  openAt,
  withoutPrivileges,
} from '../files/real-object.js';
import {
  AT_EMPTY_PATH,
  AT_NO_AUTOMOUNT,
  AT_SYMLINK_NOFOLLOW,
  O_ACCMODE,
  O_RDONLY,
  O_WRONLY,
  STATX_BASIC_STATS,
  STATX_BTIME,
} from '../linux/constants.js';
import { close } from '../linux/open.js';
import { Statx, statx } from '../linux/statx.js';
import type { Attr } from '../vfs/attr.js';
import { TTL_FOREVER } from '../vfs/attr.js';
import type { Name } from '../vfs/name.js';
import type { NodeId } from '../vfs/node-id.js';
import type { PrivateXattrs } from './format.js';
import { showKeptCtime } from './kept-ctime.js';
import type { Layer, RealDirectory } from './layer.js';
import { NodeTable, type UnionNode } from './node.js';
import { applyOverride, changeOverride, type OwnerAndMode } from './override-stat.js';
import type { PendingCopies } from './pending-copies.js';
import { isProgramCode } from './program-code.js';
import { SecondLooks } from './second-looks.js';
import type { WorkDirectory } from './work-directory.js';

export interface UnionParts {
  /** Topmost first; the upper, if there is one, is the first. */
  readonly layers: readonly Layer[];
  /** Searched for data alone, after all layers, by the absolute path of a redirect. */
  readonly dataLayers: readonly Layer[];
  readonly work: WorkDirectory | undefined;
  /** Directory of copies that have several names in a lower. */
  readonly index: RealDirectory | undefined;
  readonly xattrs: PrivateXattrs;
  /** Heed the forms of fuse-overlayfs too. */
  readonly readsFuseOverlayfs?: boolean;
  readonly callerIds: CallerIds;
  readonly pendingCopies: PendingCopies;
  /** Refuse every change, upper or not. */
  readonly readOnly: boolean;
  /** Trade the state after a power loss for speed: copy-up does not wait for the disk. */
  readonly volatile: boolean;
  readonly passthrough: LayerPassthrough;
  readonly descriptorLimit: number;
  /** Shared with what is mounted over the union; by default there is no limit. */
  readonly held?: HeldDescriptors;
}

/**
 * Which files of layers the kernel reads itself, below an upper: those who have one open do not see what is written to it
 * later, because the backing file of an open inode cannot be changed.
 */
export type LayerPassthrough = 'programs' | 'all';

/** Backing ids that files of layers and upper keep while nobody has them open. */
const KEPT_BACKINGS = 16_384;

/** What overlayfs takes a file to have, in whose layer of data alone it did not look. */
const PAGE_BYTES = 4096;

const LOOKUP_FLAGS = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
const WANTED_FIELDS = STATX_BASIC_STATS | STATX_BTIME;

export class UnionState {
  readonly layers: readonly Layer[];
  readonly dataLayers: readonly Layer[];
  readonly upper: Layer | undefined;
  readonly work: WorkDirectory | undefined;
  readonly index: RealDirectory | undefined;
  /** Metadata-only copies and redirects: forms that overlayfs trusts in `trusted.*` alone. */
  readonly trustsXattrs: boolean;
  readonly xattrs: PrivateXattrs;
  readonly readsFuseOverlayfs: boolean;
  readonly callerIds: CallerIds;
  readonly pendingCopies: PendingCopies;
  readonly volatile: boolean;
  readonly writable: boolean;
  readonly table = new NodeTable();
  readonly cache: DescriptorCache;
  readonly stat = new Statx();
  readonly other = new Statx();
  readonly files: OpenFiles<UnionNode>;
  readonly secondLooks = new SecondLooks();
  readonly layerReads = new LayerReads();
  /** Second result of `locate`. */
  locatedName: Name = '';

  constructor(parts: UnionParts) {
    this.layers = parts.layers;
    this.dataLayers = parts.dataLayers;
    const top = parts.layers[0];
    this.upper = top?.writable === true ? top : undefined;
    this.work = parts.work;
    this.index = parts.index;
    this.trustsXattrs = parts.xattrs.namespace === 'trusted';
    this.xattrs = parts.xattrs;
    this.readsFuseOverlayfs = parts.readsFuseOverlayfs === true;
    this.callerIds = parts.callerIds;
    this.pendingCopies = parts.pendingCopies;
    this.volatile = parts.volatile;
    this.writable = this.upper !== undefined && !parts.readOnly;
    this.cache = new DescriptorCache(parts.descriptorLimit, parts.held);
    const follows = parts.passthrough === 'programs' && this.upper !== undefined;
    this.files = new OpenFiles(
      {
        open: (node, flags) =>
          (flags & O_ACCMODE) === O_WRONLY ? this.open(node, flags) : this.openData(node, flags),
        openMetadata: (node) => (node.data === undefined ? -1 : this.open(node, O_RDONLY)),
        hasCapability: (node) => hasCapabilityAt(this.locate(node), this.locatedName),
        killPrivileges: (node) => this.killPrivileges(node),
        follows: (node) => follows && this.dataIsBelow(node) && !isProgramCode(this, node),
        opensLate: follows && parts.callerIds.enabled,
        reopens: parts.callerIds.enabled,
      },
      KEPT_BACKINGS,
      this.cache.held,
      this.layerReads,
    );
  }

  /** @throws ESTALE when the kernel names a node that it has no reference of. */
  node(id: NodeId): UnionNode {
    const node = this.table.get(id);
    if (node === undefined) throw fsError(ESTALE, 'node', String(id));
    return node;
  }

  /** The node whose metadata counts for one that may have been written since it was opened. */
  current(id: NodeId): UnionNode {
    const node = this.node(id);
    return node.heir ?? node;
  }

  directories(node: UnionNode): RealDirectory[] {
    const dirs = node.dirs;
    if (dirs === undefined) throw new Error(`'${node.path()}' has no real directories`);
    return dirs;
  }

  /** @throws EROFS in a read-only union. */
  assertWritable(op: string): void {
    if (!this.writable) throw fsError(EROFS, op);
  }

  descriptor(dir: RealDirectory): number {
    return dir.descriptor(this.cache);
  }

  /**
   * Where the node's topmost object lies: returns a directory descriptor, and leaves the name in `locatedName`. The name
   * is '' when the descriptor is the object's own. Valid until the next call that opens a directory.
   */
  locate(node: UnionNode): number {
    if (node.orphanFd >= 0) {
      this.locatedName = '';
      return node.orphanFd;
    }
    if (node.indexName !== undefined) {
      this.locatedName = node.indexName;
      return this.index!.fd;
    }
    const dirs = node.dirs;
    if (dirs !== undefined) {
      const top = dirs[0]!;
      if (top.parent === undefined || node.removed) {
        this.locatedName = '';
        return this.descriptor(top);
      }
      this.locatedName = top.name;
      return this.descriptor(top.parent);
    }
    this.locatedName = node.name;
    return this.descriptor(this.homeOf(node));
  }

  /** The directory of `node.layer` in which the file lies. */
  homeOf(node: UnionNode): RealDirectory {
    const dirs = node.parent?.dirs;
    if (dirs !== undefined) {
      for (const dir of dirs) if (dir.layer === node.layer) return dir;
    }
    throw fsError(ESTALE, 'locate', node.name);
  }

  /** statx of the node's topmost object into `out`. */
  statNode(node: UnionNode, out: Statx): void {
    const fd = this.locate(node);
    const flags = this.locatedName === '' ? LOOKUP_FLAGS | AT_EMPTY_PATH : LOOKUP_FLAGS;
    check(statx(fd, this.locatedName, flags, WANTED_FIELDS, out), 'getattr', node.name);
    const { override } = node.layer;
    if (override !== undefined) applyOverride(fd, this.locatedName, override, out);
    node.mode = out.mode;
  }

  /** statx of a name in a real directory. @returns false when there is none. */
  statName(dir: RealDirectory, name: Name, out: Statx): boolean {
    const fd = this.descriptor(dir);
    const result = statx(fd, name, LOOKUP_FLAGS, WANTED_FIELDS, out);
    const { override } = dir.layer;
    if (result === 0 && override !== undefined) applyOverride(fd, name, override, out);
    if (result === 0) return true;
    if (result === -2) return false;
    check(result, 'lookup', name);
    return false;
  }

  /** statx of the object behind a descriptor. @returns 0 or a negated errno. */
  statDescriptor(fd: number, out: Statx): number {
    return statx(fd, '', LOOKUP_FLAGS | AT_EMPTY_PATH, WANTED_FIELDS, out);
  }

  /** statx of a name in the work directory. @returns 0 or a negated errno. */
  statWork(name: Name, out: Statx): number {
    return statx(this.work!.fd, name, LOOKUP_FLAGS, WANTED_FIELDS, out);
  }

  /** Whether the data lies in a lower, and not in upper. */
  dataIsBelow(node: UnionNode): boolean {
    return node.layer !== this.upper || node.data !== undefined;
  }

  /** Opens what holds the node's data: a lower file while upper has the metadata only. */
  openData(node: UnionNode, flags: number): number {
    const { data } = node;
    if (data === undefined) return this.open(node, flags);
    if (data.isMissing === true) throw fsError(ENOENT, 'open', node.name);
    return check(openAt(this.descriptor(data.dir), data.name, flags), 'open', node.name);
  }

  /** Opens the node's topmost object. @returns a descriptor that the caller closes. */
  open(node: UnionNode, flags: number): number {
    const fd = this.locate(node);
    return check(openAt(fd, this.locatedName, flags), 'open', node.name);
  }

  fillAttr(node: UnionNode, stat: Statx, out: Attr): void {
    fillAttr(stat, out);
    out.ino = node.ino;
    node.sizeBytes = stat.sizeBytes;
    out.nlink = node.removed
      ? 0
      : node.dirs !== undefined && node.dirs.length > 1
        ? 1
        : stat.nlink + node.nlinkDelta;
    out.uid = stat.uid;
    out.gid = stat.gid;
    const { data } = node;
    if (data?.isMissing === true) out.blocks = Math.ceil(out.sizeBytes / PAGE_BYTES) * (PAGE_BYTES / 512);
    else if (data !== undefined && this.statName(data.dir, data.name, this.other))
      out.blocks = this.other.blocks;
    const before = this.pendingCopies.before(node);
    if (before !== undefined) fillTimes(before, out);
    if (node.keptCtime !== undefined) showKeptCtime(node.keptCtime, before ?? stat, out);
    out.ttlMs = node.mayBeMapped ? 0 : TTL_FOREVER;
  }

  killPrivileges(node: UnionNode): void {
    this.statNode(node, this.other);
    const { mode } = this.other;
    const fd = this.locate(node);
    const written = { mode, gid: this.other.gid, writer: this.files.session?.caller };
    const { override } = node.layer;
    if (override !== undefined && applyOverride(fd, this.locatedName, override, this.other)) {
      killPrivilegesAt(fd, this.locatedName, { ...written, mode: 0 });
      node.mode = withoutPrivileges(written);
      this.changeOverridden(node, { mode: node.mode });
    } else node.mode = killPrivilegesAt(fd, this.locatedName, written);
    node.hasCapability = false;
    // The kernel keeps the mode that it knew, and would start the program with the old owner's rights.
    if (node.mode !== mode) this.files.session?.invalidateAttributes(node.id);
  }

  /** Changes owner and mode where they are kept in an attribute. @returns false for an object that has none. */
  changeOverridden(node: UnionNode, change: OwnerAndMode): boolean {
    const attribute = node.layer.override;
    if (attribute === undefined) return false;
    this.statNode(node, this.other);
    const dirfd = this.locate(node);
    const name = this.locatedName;
    if (!applyOverride(dirfd, name, attribute, this.other)) return false;
    changeOverride({ dirfd, name, attribute }, this.other, change);
    return true;
  }

  /** @throws EMFILE when the caller may not make us keep one more descriptor. */
  assertRoom(op: string): void {
    this.cache.held.assertRoom(this.files.session?.caller?.uid, op);
  }

  /** A descriptor that is open as long as the caller wants. */
  hold(fd: number): number {
    this.cache.held.hold(fd, this.files.session?.caller?.uid);
    return fd;
  }

  /** Takes a node whose last reference went out of the table and closes what it holds. */
  release(node: UnionNode): void {
    let at: UnionNode | undefined = node;
    while (at !== undefined && at.nlookup === 0 && at.children === 0 && at.parent !== undefined) {
      const parent: UnionNode = at.parent;
      this.unindex(at);
      this.table.delete(at);
      this.closeAll(at);
      const { heir } = at;
      if (heir !== undefined) {
        heir.children--;
        at.heir = undefined;
        this.release(heir);
      }
      parent.children--;
      at = parent;
    }
  }

  /** Takes the node out of whatever lookup finds it by. */
  unindex(node: UnionNode): void {
    if (node.byName) {
      const named = node.parent?.namedChildren;
      if (named?.get(node.name) === node) named.delete(node.name);
      node.byName = false;
    } else if (node.layer.nodes.get(node.realIno) === node) {
      node.layer.nodes.delete(node.realIno);
    }
  }

  closeAll(node: UnionNode): void {
    this.pendingCopies.drop(node);
    this.secondLooks.forget(node);
    this.files.closeAll(node);
    if (node.orphanFd >= 0) this.cache.held.close(node.orphanFd);
    if (node.backingFd >= 0) close(node.backingFd);
    node.orphanFd = -1;
    node.backingFd = -1;
    if (node.dirs !== undefined)
      for (const dir of node.dirs) if (dir.parent !== undefined) this.cache.drop(dir);
  }
}
