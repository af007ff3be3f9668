/**
 * The union as a FileSystem: each operation finds its node, does its work in the file of that subject, and answers.
 * References are counted here and nowhere else, but for readdir, which gives one with each entry.
 */

import { ENOTDIR } from '../errno/errno.js';
import { check, fsError } from '../errno/fs-error.js';
import { FALLOC_FL_KEEP_SIZE } from '../linux/constants.js';
import { readlinkat } from '../linux/files/directory.js';
import { setsFlags } from '../linux/files/inode-flags.js';
import type { Statx } from '../linux/files/statx.js';
import { type LeftBehind, NodeKeeper, type NodeKeeping, type RestoredNodes } from '../realfs/node-keeper.js';
import { descriptorPath, fillStatFs, Place } from '../realfs/real-object.js';
import type { Attr, Entry, Opened, StatFs } from '../vfs/attr.js';
import type { Caller } from '../vfs/caller.js';
import type * as vfs from '../vfs/file-system.js';
import type { SyncScope } from '../vfs/file-system.js';
import type { Name } from '../vfs/name.js';
import { NO_NODE, type NodeId } from '../vfs/node-id.js';
import { nodePath } from '../vfs/node-path.js';
import * as creation from './changes/create-object.js';
import * as io from './changes/file-io.js';
import { assertMayChange, assertMayCreate, assertMaySet, assertNotImmutable } from './changes/may-change.js';
import { requestNodeFlags } from './changes/node-flags.js';
import { rmdir, unlink } from './changes/remove-name.js';
import { rename } from './changes/rename.js';
import { setNodeAttributes } from './changes/set-attributes.js';
import * as xattrs from './changes/xattrs.js';
import { checkInvariants } from './check-invariants.js';
import { linkCopy } from './copy-up/copy-up.js';
import { type Explanation, explain } from './explain-name.js';
import { type LayeredDirectory, openLayeredDirectory } from './layered-directory.js';
import type { ChangeHistory } from './nodes/change-history.js';
import { Found } from './nodes/found.js';
import { describedNode } from './nodes/kept/described-node.js';
import { MOST_WHOLE, nodePacker, packNodes } from './nodes/kept/node-packing.js';
import { restoreNodes } from './nodes/kept/restore-nodes.js';
import { readdir } from './nodes/listing/readdir.js';
import { lookupNode, rootDirectories } from './nodes/lookup.js';
import { directoriesOf, type UnionNode } from './nodes/node.js';
import type { UnionState } from './nodes/union-state.js';
import { type NextUpper, renewUpper } from './renew-upper.js';
import { copiesNamedByLowers } from './stack/index-directory.js';
import { statDescriptor } from './stack/layer-stack.js';

export class UnionFileSystem implements vfs.FileSystem {
  readonly #state: UnionState;
  readonly #root: UnionNode;
  /** Filled anew by each request that needs it. */
  readonly #found = new Found();
  readonly #made = new creation.NewObject();
  readonly #place = new Place();

  /** @param state with at least one layer; the file system owns it from now on. */
  constructor(state: UnionState) {
    this.#state = state;
    const dirs = rootDirectories(state);
    const top = state.stack.layers[0]!;
    const { stat } = this.#found;
    check(statDescriptor(state.stack.descriptor(top.root), stat), 'statx', top.path);
    const realIno = stat.ino;
    const shown =
      top === state.stack.upper && state.stack.layers[1] !== undefined ? state.stack.layers[1] : top;
    check(statDescriptor(state.stack.descriptor(shown.root), stat), 'statx', shown.path);
    this.#root = state.nodes.make(top, realIno, undefined);
    this.#root.ino = shown.inodeNumber(stat.ino);
    this.#root.mode = stat.mode;
    this.#root.dirs = dirs;
    this.#root.nlookup = 1;
    top.nodes.set(realIno, this.#root.id);
  }

  attach(session: vfs.Session): void {
    this.#state.files.session = session;
  }

  /** The id that the next node gets. */
  get nextId(): NodeId {
    return this.#state.nodes.table.nextId;
  }

  /** Serves on what another process did, before `attach()`. */
  restore(left: LeftBehind): RestoredNodes {
    return restoreNodes(this.#state, left);
  }

  /** In a pause: starts the helper thread that the first change asks whether upper takes it. */
  expectChanges(): void {
    this.#state.gate?.whenOpen(this.#state.files.session, () => undefined);
  }

  /** Keeps what a process needs that takes over, from now on; undefined: no more. @param mostWhole nodes beside which others are but records. */
  keep(keeping: NodeKeeping | undefined, mostWhole = MOST_WHOLE): void {
    const { nodes, files } = this.#state;
    const keeper = keeping && new NodeKeeper(nodes.table, keeping, describedNode);
    nodes.keeper = keeper;
    if (keeping !== undefined) nodes.table.packer = nodePacker(this.#state, keeping.records, mostWhole);
    files.onChange = keeper && ((node) => keeper.note(node));
  }

  detach(): void {
    const state = this.#state;
    state.isEnding = true;
    state.pendingCopies.closeAll();
    for (const node of state.nodes.table.whole()) state.closeAll(node);
    state.stack.close();
    state.stack.cache.retire();
  }

  /** Where upper can be opened as long as the union is; undefined where nothing is to reach a disk. */
  get durableUpper(): Name | undefined {
    const { volatile, stack } = this.#state;
    const { upper } = stack;
    return upper === undefined || volatile
      ? undefined
      : descriptorPath(this.#state.stack.descriptor(upper.root));
  }

  /** Nodes in the table; for `inspect` and for tests of forget. */
  get nodeCount(): number {
    return this.#state.nodes.table.size;
  }

  pathOf(id: NodeId): Name | undefined {
    const node = this.#state.nodes.table.find(id);
    return node && nodePath(node);
  }

  /** The last copy-ups and whiteouts. */
  get history(): ChangeHistory {
    return this.#state.history;
  }

  /** Whether a node other than the root is referenced. */
  get isInUse(): boolean {
    return this.nodeCount > 1;
  }

  /** For tests. @returns a line for each invariant that does not hold. */
  checkInvariants(): string[] {
    return checkInvariants(this.#state);
  }

  lookup(parent: NodeId, name: Name, out: Entry): boolean {
    const state = this.#state;
    packNodes(state);
    const directory = this.#directory(parent);
    const found = state.recent.begin(directory);
    const node = lookupNode(state, directory, name, found);
    state.recent.end(node, state.changes);
    state.secondLookups.noteLookup(node);
    if (node === undefined) {
      out.nodeId = NO_NODE;
      out.ttlMs = state.ttlMs;
      return false;
    }
    this.#enter(node, found.stat, out);
    return true;
  }

  forget(id: NodeId, count: number): void {
    const node = this.#state.nodes.table.find(id);
    if (node === undefined) return;
    node.nlookup = Math.max(0, node.nlookup - count);
    this.#state.nodes.keeper?.noteReferences(node);
    if (node.nlookup === 0) this.#state.release(node);
  }

  getattr(id: NodeId, _handle: number | undefined, out: Attr): void {
    this.#reach(this.#state.nodes.current(id));
    this.#getattr(id, out);
  }

  #getattr(id: NodeId, out: Attr): void {
    const state = this.#state;
    const node = state.nodes.current(id);
    const { stat } = this.#found;
    state.objects.statNode(node, stat);
    state.fillAttr(node, stat, out);
    // What changes through the successor does not reach what the kernel cached of the older node.
    if (node.id !== id) out.ttlMs = 0;
  }

  setattr(id: NodeId, change: vfs.AttrChange, out: Attr): void {
    const state = this.#state;
    state.beginChange('setattr');
    const node = this.#reach(state.nodes.current(id));
    assertMaySet(state, node, change);
    setNodeAttributes(state, node, change);
    node.keptCtime = undefined;
    this.#passOn(id, node);
    this.#getattr(id, out);
  }

  readlink(id: NodeId): Name {
    const state = this.#state;
    const node = this.#reach(state.nodes.get(id));
    state.objects.locate(node, this.#place);
    const content = readlinkat(this.#place.dirfd, this.#place.name);
    return typeof content === 'string' ? content : String(check(content, 'readlink', node.name));
  }

  mknod(parent: NodeId, name: Name, made: vfs.Creation, target: vfs.NewEntry): void {
    const at = this.#startCreation(parent, name, made.umask, target.caller);
    this.#enter(creation.mknod(this.#state, at, made), at.stat, target.entry);
  }

  mkdir(parent: NodeId, name: Name, made: vfs.Creation, target: vfs.NewEntry): void {
    const at = this.#startCreation(parent, name, made.umask, target.caller);
    this.#enter(creation.mkdir(this.#state, at, made), at.stat, target.entry);
  }

  symlink(parent: NodeId, name: Name, content: Name, target: vfs.NewEntry): void {
    const at = this.#startCreation(parent, name, 0, target.caller);
    this.#enter(creation.symlink(this.#state, at, content), at.stat, target.entry);
  }

  link(id: NodeId, parent: NodeId, name: Name, out: Entry): void {
    const state = this.#state;
    state.beginChange('link');
    const node = this.#reach(state.nodes.current(id));
    assertMayCreate(state, this.#directory(parent), 'link');
    assertMayChange(state, node, 'link');
    creation.link(state, node, this.#directory(parent), name);
    node.keptCtime = undefined;
    const { stat } = this.#found;
    state.objects.statNode(node, stat);
    this.#enter(node, stat, out);
  }

  unlink(parent: NodeId, name: Name): void {
    this.#state.beginChange('unlink');
    unlink(this.#state, this.#directory(parent), name);
  }

  rmdir(parent: NodeId, name: Name): void {
    this.#state.beginChange('rmdir');
    rmdir(this.#state, this.#directory(parent), name);
  }

  rename(parent: NodeId, name: Name, target: vfs.RenameTarget): void {
    this.#state.beginChange('rename');
    const from = this.#directory(parent);
    const to = this.#directory(target.parent);
    rename(this.#state, { from, name, to, newName: target.name }, target.flags);
  }

  open(id: NodeId, intent: vfs.OpenIntent, out: Opened): void {
    io.open(this.#state, this.#reach(this.#state.nodes.get(id)), intent, out);
  }

  create(parent: NodeId, name: Name, made: vfs.Creation, target: vfs.NewFile): void {
    const at = this.#startCreation(parent, name, made.umask, target.caller);
    const { node, fd } = creation.create(this.#state, at, made);
    this.#enter(node, at.stat, target.entry);
    this.#openCreated(node, { fd, flags: made.flags }, target);
  }

  tmpfile(parent: NodeId, made: vfs.Creation, target: vfs.NewFile): void {
    const at = this.#startCreation(parent, '', made.umask, target.caller);
    const { node, fd } = creation.tmpfile(this.#state, at, made);
    this.#enter(node, at.stat, target.entry);
    this.#openCreated(node, { fd, flags: made.flags }, target);
  }

  release(id: NodeId, handle: number): void {
    io.release(this.#state, this.#state.nodes.get(id), handle);
  }

  flush(): void {
    // Nothing is held back: what was written is in the file.
  }

  fsync(id: NodeId, handle: number, scope: SyncScope): void {
    io.syncNode(this.#state, this.#state.nodes.get(id), { dataOnly: scope === 'data', handle });
  }

  read(id: NodeId, _handle: number, offset: number, into: Uint8Array): number {
    const node = this.#state.nodes.get(id);
    // The kernel dropped what it had of it.
    node.isStored = false;
    return this.#state.files.read(node, offset, into);
  }

  write(id: NodeId, handle: number, data: vfs.WriteData): number {
    this.#state.beginChange('write');
    return this.#state.files.write(this.#state.nodes.get(id), data, handle);
  }

  fallocate(id: NodeId, _handle: number, range: vfs.FallocateRange): void {
    const state = this.#state;
    state.beginChange('fallocate');
    const node = state.nodes.get(id);
    const adds = (range.mode & ~FALLOC_FL_KEEP_SIZE) === 0;
    (adds ? assertNotImmutable : assertMayChange)(state, node, 'fallocate');
    state.files.fallocate(node, range);
  }

  lseek(id: NodeId, _handle: number, offset: number, whence: number): number {
    return this.#state.files.seek(this.#reach(this.#state.nodes.get(id)), offset, whence);
  }

  copyFileRange(source: vfs.CopyEnd, target: vfs.CopyEnd, length: number): number {
    const state = this.#state;
    state.beginChange('copy_file_range');
    // Of a descriptor from before the copy-up too: the kernel refuses to copy a range onto itself.
    const from = { ...source, file: state.nodes.current(source.node) };
    const to = { ...target, file: state.nodes.get(target.node) };
    assertNotImmutable(state, state.nodes.current(target.node), 'copy_file_range');
    return state.files.copyRange(from, to, length);
  }

  readdir(id: NodeId, offset: number, sink: vfs.DirentSink): void {
    packNodes(this.#state);
    const directory = this.#directory(id);
    for (const { layer } of directoriesOf(directory)) layer.gate?.pass(this.#state.files.session);
    readdir(this.#state, directory, offset, sink);
  }

  fsyncdir(id: NodeId, scope: SyncScope): void {
    const node = this.#directory(id);
    if (node.layer === this.#state.stack.upper) this.#state.files.fsync(node, { dataOnly: scope === 'data' });
  }

  statfs(_id: NodeId, out: StatFs): void {
    fillStatFs(this.#state.stack.descriptor(this.#state.stack.layers[0]!.root), out);
  }

  getxattr(id: NodeId, name: Name): Uint8Array | undefined {
    return xattrs.getNodeXattr(this.#state, this.#reach(this.#state.nodes.current(id)), name);
  }

  listxattr(id: NodeId, caller: Caller): Uint8Array {
    return xattrs.listNodeXattrs(this.#state, this.#reach(this.#state.nodes.current(id)), caller);
  }

  setxattr(id: NodeId, name: Name, value: Uint8Array, options: vfs.SetxattrOptions): void {
    this.#state.beginChange('setxattr');
    const node = this.#reach(this.#state.nodes.current(id));
    assertMayChange(this.#state, node, 'setxattr');
    xattrs.setNodeXattr(this.#state, node, name, { value, options });
    node.keptCtime = undefined;
    this.#passOn(id, node);
  }

  removexattr(id: NodeId, name: Name): void {
    this.#state.beginChange('removexattr');
    const node = this.#reach(this.#state.nodes.current(id));
    assertMayChange(this.#state, node, 'removexattr');
    xattrs.removeNodeXattr(this.#state, node, name);
    node.keptCtime = undefined;
    this.#passOn(id, node);
  }

  inodeFlags(id: NodeId, request: vfs.FlagsRequest): void {
    const state = this.#state;
    const sets = setsFlags(request.command);
    if (sets) state.beginChange('ioctl');
    const node = this.#reach(state.nodes.current(id));
    requestNodeFlags(state, node, request);
    if (!sets) return;
    node.keptCtime = undefined;
    state.files.session?.invalidateAttributes(id);
    this.#passOn(id, node);
  }

  /** Which layers have a path, which shows, and what hides the others; names relative to the root. */
  explain(names: readonly Name[]): Explanation {
    return explain(this.#state, names);
  }

  /** The directory at a path, layer by layer; names relative to the root. @returns undefined where no layer has one. */
  layered(names: readonly Name[]): LayeredDirectory | undefined {
    return openLayeredDirectory(this.#state, this, names);
  }

  /** Inode numbers of changed files that have names of which upper knows nothing. */
  copiesNamedByLowers(): Set<number> {
    return copiesNamedByLowers(this.#state.stack);
  }

  /**
   * What upper holds becomes a layer; see renew-upper.ts. What is kept for a process that takes over names layers by their places:
   * from now on nobody can.
   * @param prepare links the names that `copiesNamedByLowers()` is about.
   * @returns false while that cannot be.
   */
  pushUpper(next: NextUpper, prepare: () => void): boolean {
    this.keep(undefined);
    return this.withoutWaiting(() => {
      prepare();
      return renewUpper(this.#state, this.#root, next);
    });
  }

  /** Does what no request of the kernel asks for: nothing of it throws Wait, since nobody would do it again. */
  withoutWaiting<T>(act: () => T): T {
    const { files } = this.#state;
    const { session } = files;
    files.session = undefined;
    try {
      return act();
    } finally {
      files.session = session;
    }
  }

  /** A name that `copiesNamedByLowers()` is about gets a link in upper, unless it has one. */
  linkCopy(parent: NodeId, name: Name): void {
    const state = this.#state;
    state.beginChange('link');
    const directory = this.#directory(parent);
    const node = lookupNode(state, directory, name, this.#found);
    if (node?.indexName === undefined) return;
    const [top] = directoriesOf(directory);
    const isLinked = top!.layer === state.stack.upper && state.stack.statName(top!, name, this.#found.stat);
    if (!isLinked) linkCopy(state, node, directory, name);
  }

  #directory(id: NodeId): UnionNode {
    const node = this.#state.nodes.get(id);
    if (node.dirs === undefined) throw fsError(ENOTDIR, 'lookup', node.name);
    return node;
  }

  /** The node, once the layers answer that have it. @throws Wait */
  #reach(node: UnionNode): UnionNode {
    const { session } = this.#state.files;
    node.layer.gate?.pass(session);
    node.data?.dir.layer.gate?.pass(session);
    return node;
  }

  /** A change of the successor that was asked for by its predecessor's id: the kernel does not know that they are one. */
  #passOn(id: NodeId, changed: UnionNode): void {
    if (changed.id !== id) this.#state.files.session?.invalidateAttributes(changed.id);
  }

  #openCreated(node: UnionNode, made: { fd: number; flags: number }, target: vfs.NewFile): void {
    this.#state.files.openCreated(node, made, target.opened);
    if (node.openState?.mayBeMapped === true) target.entry.attr.ttlMs = 0;
  }

  #startCreation(parent: NodeId, name: Name, umask: number, caller: Caller): creation.NewObject {
    this.#state.beginChange('create');
    const directory = this.#reach(this.#directory(parent));
    assertMayCreate(this.#state, directory, 'create');
    this.#state.callerIds.become(this.#state.presentation.creator(caller), umask);
    this.#made.parent = directory;
    this.#made.name = name;
    return this.#made;
  }

  /** Fills the entry and counts a reference. @param stat of the node's topmost object. */
  #enter(node: UnionNode, stat: Statx, out: Entry): void {
    out.nodeId = node.id;
    out.generation = 0;
    out.ttlMs = this.#state.ttlMs;
    this.#state.fillAttr(node, stat, out.attr);
    node.nlookup++;
    this.#state.nodes.keeper?.noteEntered(node);
  }
}
