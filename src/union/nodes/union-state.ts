/**
 * What the operations of the union share, part by part: the layers, the nodes, the objects behind them and their owners,
 * the open files, and the work that goes on beyond one request. Whoever needs one part alone takes that part.
 */

import { EROFS } from '../../errno/errno.js';
import { fsError } from '../../errno/fs-error.js';
import { O_ACCMODE, O_RDONLY, O_WRONLY } from '../../linux/constants.js';
import { dup } from '../../linux/files/open.js';
import { Statx } from '../../linux/files/statx.js';
import type { CallerIds } from '../../realfs/caller-ids.js';
import { WriteGate } from '../../realfs/disk/write-gate.js';
import { LayerReads } from '../../realfs/layer-reads.js';
import { OpenFiles } from '../../realfs/open-files.js';
import { fillAttr, fillTimes, hasCapabilityAt, Place } from '../../realfs/real-object.js';
import { QUICK_TO_FREE_BYTES } from '../../realfs/truncate-file.js';
import type { Attr } from '../../vfs/attr.js';
import { TTL_FOREVER } from '../../vfs/attr.js';
import type { Listing } from '../../vfs/listing.js';
import type { Name } from '../../vfs/name.js';
import { SlicedWork } from '../../vfs/sliced-work.js';
import { LayerNames } from '../stack/layer-names.js';
import { type LayerStack, statDescriptor } from '../stack/layer-stack.js';
import { ChangeHistory, type NotedChange } from './change-history.js';
import { showKeptCtime } from './kept-ctime.js';
import type { UnionNode } from './node.js';
import { NodeObjects } from './node-objects.js';
import { NodeOwners } from './node-owners.js';
import { PendingCopies } from './pending-copies.js';
import { Presentation, type PresentationOptions } from './presentation.js';
import { isProgramCode } from './program-code.js';
import { RecentLookup } from './recent-lookup.js';
import { SecondLookups } from './second-lookups.js';
import { UnionNodes } from './union-nodes.js';

interface UnionParts {
  readonly stack: LayerStack;
  readonly callerIds: CallerIds;
  /** Refuse every change, upper or not. */
  readonly readOnly: boolean;
  /** Trade the state after a power loss for speed: copy-up does not wait for the disk. */
  readonly volatile: boolean;
  readonly passthrough: LayerPassthrough;
  readonly presentation?: PresentationOptions | undefined;
  /** Others may change the layers meanwhile. */
  readonly live?: boolean;
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

/** Whether a file is larger than this matters to nobody: a node's size stays a small integer. */
const LARGE_BYTES = 2 ** 30;

/** What the methods below look at; no result is left in them. */
const at = new Place();
const found = new Statx();

/** What a live layer shows may be as old as this: the default of network file systems, too (nfs(5), acregmin). */
const LIVE_TTL_MS = 1_000;

export class UnionState {
  readonly stack: LayerStack;
  readonly nodes = new UnionNodes();
  readonly objects: NodeObjects;
  readonly owners: NodeOwners;
  readonly files: OpenFiles<UnionNode>;
  readonly callerIds: CallerIds;
  readonly pendingCopies: PendingCopies<UnionNode>;
  readonly presentation: Presentation;
  readonly volatile: boolean;
  /** How long the kernel may keep names and attributes. */
  readonly ttlMs: number;
  /** Others may change the layers meanwhile. */
  readonly isLive: boolean;
  readonly writable: boolean;
  /** The gate of upper; undefined where nothing is changed. */
  readonly gate: WriteGate | undefined;
  readonly secondLookups = new SecondLookups();
  readonly recent = new RecentLookup();
  readonly history = new ChangeHistory();
  /** How many changes of upper were begun. */
  changes = 0;
  readonly layerReads = new LayerReads();
  readonly layerNames: LayerNames;
  readonly listings = new SlicedWork<Listing>();
  /** For whether directories are empty. */
  readonly searches = new SlicedWork<boolean>();
  /** No helper threads any more. */
  isEnding = false;

  constructor(parts: UnionParts) {
    const { stack } = parts;
    this.stack = stack;
    this.layerNames = new LayerNames(stack.cache);
    this.objects = new NodeObjects(stack);
    this.owners = new NodeOwners(this.objects);
    this.callerIds = parts.callerIds;
    this.pendingCopies = new PendingCopies((node, out) => this.objects.locate(node, out));
    this.presentation = new Presentation(parts.presentation);
    this.volatile = parts.volatile;
    this.isLive = parts.live === true;
    this.ttlMs = this.isLive ? LIVE_TTL_MS : TTL_FOREVER;
    const { upper } = stack;
    this.writable = upper !== undefined && !parts.readOnly;
    this.gate = this.writable ? new WriteGate(stack.descriptor(upper!.root)) : undefined;
    const follows = parts.passthrough === 'programs' && upper !== undefined;
    const { objects } = this;
    this.files = new OpenFiles(
      {
        open: (node, flags) =>
          (flags & O_ACCMODE) === O_WRONLY ? objects.open(node, flags) : objects.openData(node, flags),
        openMetadata: (node) => (node.data === undefined ? -1 : objects.open(node, O_RDONLY)),
        hasCapability: (node) => {
          if (node.lacksCapability) return false;
          objects.locate(node, at);
          return hasCapabilityAt(at.dirfd, at.name);
        },
        killPrivileges: (node) => this.owners.killPrivileges(node, this.files.session),
        // What is written lies in upper.
        diskOf: () => stack.layers[0]!.root.fd,
        follows: (node) => follows && objects.dataIsBelow(node) && !isProgramCode(this, node),
        opensLate: follows && parts.callerIds.enabled,
        reopens: parts.callerIds.enabled,
      },
      KEPT_BACKINGS,
      stack.cache.held,
      this.layerReads,
    );
  }

  /** @throws EROFS in a read-only union. */
  assertWritable(op: string): void {
    if (!this.writable) throw fsError(EROFS, op);
  }

  /**
   * Before a change of upper: nothing of it may have been made.
   * @throws Wait while upper takes none, EROFS
   */
  beginChange(op: string): void {
    this.assertWritable(op);
    this.gate!.pass(this.files.session);
    this.changes++;
  }

  /** Somebody may want to know why upper has this. */
  noteChange(kind: NotedChange['kind'], at: Pick<UnionNode, 'name' | 'parent'>): void {
    this.history.note(kind, at, this.files.session?.caller?.pid ?? 0);
  }

  fillAttr(node: UnionNode, stat: Statx, out: Attr): void {
    fillAttr(stat, out);
    out.ino = node.ino;
    node.sizeBytes = Math.min(stat.sizeBytes, LARGE_BYTES);
    out.nlink = node.removed
      ? 0
      : node.dirs !== undefined && node.dirs.length > 1
        ? 1
        : stat.nlink + node.nlinkDelta;
    const { presentation } = this;
    out.uid = presentation.shownUid(stat.uid);
    out.gid = presentation.shownGid(stat.gid);
    if (presentation.staticNlink && node.isDirectory && !node.removed) out.nlink = 1;
    const { data } = node;
    if (data?.isMissing === true) out.blocks = Math.ceil(out.sizeBytes / PAGE_BYTES) * (PAGE_BYTES / 512);
    else if (data !== undefined && this.stack.statName(data.dir, data.name, found)) out.blocks = found.blocks;
    const before = this.pendingCopies.before(node);
    if (before !== undefined) fillTimes(before, out);
    if (node.keptCtime !== undefined) showKeptCtime(node.keptCtime, before ?? stat, out);
    out.ttlMs = node.openState?.mayBeMapped === true ? 0 : this.ttlMs;
  }

  /** @throws EMFILE when the caller may not make us keep one more descriptor. */
  assertRoom(op: string): void {
    this.stack.cache.held.assertRoom(this.files.session?.caller?.uid, op);
  }

  /** A descriptor that is open as long as the caller wants. */
  hold(fd: number): number {
    this.stack.cache.held.hold(fd, this.files.session?.caller?.uid);
    return fd;
  }

  /** Takes a node that nothing refers to any more out of the table and closes what it holds. */
  release(node: UnionNode): void {
    this.nodes.table.release(node, (one) => this.#end(one));
  }

  #end(node: UnionNode): void {
    this.nodes.unindex(node);
    this.closeAll(node);
    const { successor } = node;
    if (successor === undefined) return;
    successor.children--;
    node.successor = undefined;
    this.release(successor);
  }

  /** The descriptor may be the last of a removed file: to free a large one takes long, and one of a frozen upper for ever. */
  #closeRemoved(fd: number): void {
    const { session } = this.files;
    const isQuick = (): boolean =>
      this.gate?.isOpen === true && statDescriptor(fd, found) === 0 && found.sizeBytes <= QUICK_TO_FREE_BYTES;
    if (this.isEnding || session === undefined || isQuick()) this.stack.cache.held.close(fd);
    else {
      this.stack.cache.held.forget(fd);
      session.startJob({ kind: 'close', fd });
    }
  }

  /** Removes the directory in upper of the node, which was moved to the work directory, with the whiteouts in it. */
  removeMoved(node: UnionNode, name: Name): void {
    const work = this.stack.work!;
    const session = node.contents?.takesLong === true ? this.files.session : undefined;
    const dirfd = session === undefined ? -1 : dup(work.fd);
    if (session === undefined || dirfd < 0) work.remove(name);
    else session.startJob({ kind: 'remove', dirfd, name });
  }

  closeAll(node: UnionNode): void {
    this.pendingCopies.drop(node);
    this.secondLookups.forget(node);
    this.files.closeAll(node);
    if (node.orphanFd >= 0) this.#closeRemoved(node.orphanFd);
    this.nodes.keeper?.dropOrphan(node);
    node.orphanFd = -1;
    if (node.dirs !== undefined)
      for (const dir of node.dirs) if (dir.parent !== undefined) this.stack.cache.drop(dir);
  }
}
