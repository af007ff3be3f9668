/**
 * The union as a FileSystem: each operation finds its node, does its work in the file of that subject, and answers.
 * References are counted here and nowhere else, but for readdir, which gives one with each entry.
 */

import { ENOTDIR } from '../errno/errno.js';
import { check, fsError } from '../errno/fs-error.js';
import { descriptorPath, fillStatFs } from '../files/real-object.js';
import { FALLOC_FL_KEEP_SIZE } from '../linux/constants.js';
import { readlinkat } from '../linux/directory.js';
import { setsFlags } from '../linux/inode-flags.js';
import { type Attr, type Entry, type Opened, type StatFs, TTL_FOREVER } from '../vfs/attr.js';
import type { Caller } from '../vfs/caller.js';
import type * as vfs from '../vfs/file-system.js';
import type { Name } from '../vfs/name.js';
import { NO_NODE, type NodeId } from '../vfs/node-id.js';
import * as creation from './create.js';
import { type Explanation, explain } from './explain.js';
import * as io from './file-io.js';
import { copiesNamedByLowers } from './index-directory.js';
import { requestNodeFlags } from './inode-flags.js';
import { lookupNode, rootDirectories } from './lookup.js';
import type { UnionNode } from './node.js';
import { assertMayChange, assertMayCreate, assertMaySet } from './protection.js';
import { readdir } from './readdir.js';
import { rmdir, unlink } from './remove.js';
import { rename } from './rename.js';
import { setAttributes } from './set-attributes.js';
import type { UnionState } from './union-state.js';
import * as xattrs from './xattrs.js';

export class UnionFileSystem implements vfs.FileSystem {
  readonly #state: UnionState;
  readonly #root: UnionNode;

  /** @param state with at least one layer; the file system owns it from now on. */
  constructor(state: UnionState) {
    this.#state = state;
    const dirs = rootDirectories(state);
    const top = state.layers[0]!;
    check(state.statDescriptor(state.descriptor(top.root), state.stat), 'statx', top.path);
    const realIno = state.stat.ino;
    const shown = top === state.upper && state.layers[1] !== undefined ? state.layers[1] : top;
    check(state.statDescriptor(state.descriptor(shown.root), state.stat), 'statx', shown.path);
    this.#root = state.table.make(top, shown.inodeNumber(state.stat.ino));
    this.#root.mode = state.stat.mode;
    this.#root.realIno = realIno;
    this.#root.dirs = dirs;
    this.#root.nlookup = 1;
    top.nodes.set(realIno, this.#root);
  }

  attach(session: vfs.Session): void {
    this.#state.files.session = session;
  }

  detach(): void {
    const state = this.#state;
    state.pendingCopies.closeAll();
    for (const node of state.table.values()) state.closeAll(node);
    for (const layer of state.layers) layer.close();
    for (const layer of state.dataLayers) layer.close();
    state.work?.close();
  }

  /** Where upper can be opened as long as the union is; undefined where nothing is to reach a disk. */
  get durableUpper(): Name | undefined {
    const { upper, volatile } = this.#state;
    return upper === undefined || volatile ? undefined : descriptorPath(this.#state.descriptor(upper.root));
  }

  /** Nodes in the table; for `inspect` and for tests of forget. */
  get nodeCount(): number {
    return this.#state.table.size;
  }

  /** Whether a node other than the root is referenced. */
  get isInUse(): boolean {
    return this.nodeCount > 1;
  }

  lookup(parent: NodeId, name: Name, out: Entry): boolean {
    const state = this.#state;
    const node = lookupNode(state, this.#directory(parent), name);
    state.secondLooks.noteLookup(node);
    if (node === undefined) {
      out.nodeId = NO_NODE;
      out.ttlMs = TTL_FOREVER;
      return false;
    }
    this.#enter(node, out);
    return true;
  }

  forget(id: NodeId, count: number): void {
    const node = this.#state.table.get(id);
    if (node === undefined) return;
    node.nlookup = Math.max(0, node.nlookup - count);
    if (node.nlookup === 0) this.#state.release(node);
  }

  getattr(id: NodeId, _handle: number | undefined, out: Attr): void {
    const state = this.#state;
    const node = state.current(id);
    state.statNode(node, state.stat);
    state.fillAttr(node, state.stat, out);
    // What changes through the heir does not reach what the kernel cached of the older node.
    if (node.id !== id) out.ttlMs = 0;
  }

  setattr(id: NodeId, change: vfs.AttrChange, out: Attr): void {
    const state = this.#state;
    state.assertWritable('setattr');
    const node = state.current(id);
    assertMaySet(state, node, change);
    setAttributes(state, node, change);
    node.keptCtime = undefined;
    this.#passOn(id, node);
    this.getattr(id, undefined, out);
  }

  readlink(id: NodeId): Name {
    const state = this.#state;
    const node = state.node(id);
    const fd = state.locate(node);
    const content = readlinkat(fd, state.locatedName);
    return typeof content === 'string' ? content : String(check(content, 'readlink', node.name));
  }

  mknod(parent: NodeId, name: Name, made: vfs.Creation, target: vfs.NewEntry): void {
    const at = this.#startCreation(parent, made.umask, target.caller);
    this.#enter(creation.mknod(this.#state, at, name, made), target.entry);
  }

  mkdir(parent: NodeId, name: Name, made: vfs.Creation, target: vfs.NewEntry): void {
    const at = this.#startCreation(parent, made.umask, target.caller);
    this.#enter(creation.mkdir(this.#state, at, name, made), target.entry);
  }

  symlink(parent: NodeId, name: Name, content: Name, target: vfs.NewEntry): void {
    const at = this.#startCreation(parent, 0, target.caller);
    this.#enter(creation.symlink(this.#state, at, name, content), target.entry);
  }

  link(id: NodeId, parent: NodeId, name: Name, out: Entry): void {
    const state = this.#state;
    state.assertWritable('link');
    const node = state.current(id);
    assertMayCreate(state, this.#directory(parent), 'link');
    assertMayChange(state, node, 'link');
    creation.link(state, node, this.#directory(parent), name);
    node.keptCtime = undefined;
    state.statNode(node, state.stat);
    this.#enter(node, out);
  }

  unlink(parent: NodeId, name: Name): void {
    this.#state.assertWritable('unlink');
    unlink(this.#state, this.#directory(parent), name);
  }

  rmdir(parent: NodeId, name: Name): void {
    this.#state.assertWritable('rmdir');
    rmdir(this.#state, this.#directory(parent), name);
  }

  rename(parent: NodeId, name: Name, target: vfs.RenameTarget): void {
    this.#state.assertWritable('rename');
    const from = this.#directory(parent);
    const to = this.#directory(target.parent);
    rename(this.#state, { from, name, to, newName: target.name }, target.flags);
  }

  open(id: NodeId, intent: vfs.OpenIntent, out: Opened): void {
    io.open(this.#state, this.#state.node(id), intent, out);
  }

  create(parent: NodeId, name: Name, made: vfs.Creation, target: vfs.NewFile): void {
    const at = this.#startCreation(parent, made.umask, target.caller);
    const { node, fd } = creation.create(this.#state, at, name, made);
    this.#enter(node, target.entry);
    this.#openCreated(node, { fd, flags: made.flags }, target);
  }

  tmpfile(parent: NodeId, made: vfs.Creation, target: vfs.NewFile): void {
    const at = this.#startCreation(parent, made.umask, target.caller);
    const { node, fd } = creation.tmpfile(this.#state, at, made);
    this.#enter(node, target.entry);
    this.#openCreated(node, { fd, flags: made.flags }, target);
  }

  release(id: NodeId, _handle: number): void {
    io.release(this.#state, this.#state.node(id));
  }

  flush(): void {
    // Nothing is held back: what was written is in the file.
  }

  fsync(id: NodeId, handle: number, dataOnly: boolean): void {
    io.fsync(this.#state, this.#state.node(id), { dataOnly, handle });
  }

  read(id: NodeId, _handle: number, offset: number, into: Uint8Array): number {
    const node = this.#state.node(id);
    // The kernel dropped what it had of it.
    node.isStored = false;
    return this.#state.files.read(node, offset, into);
  }

  write(id: NodeId, handle: number, data: vfs.WriteData): number {
    return this.#state.files.write(this.#state.node(id), data, handle);
  }

  fallocate(id: NodeId, _handle: number, range: vfs.FallocateRange): void {
    const state = this.#state;
    state.assertWritable('fallocate');
    const node = state.node(id);
    if ((range.mode & ~FALLOC_FL_KEEP_SIZE) !== 0) assertMayChange(state, node, 'fallocate');
    state.files.fallocate(node, range);
  }

  lseek(id: NodeId, _handle: number, offset: number, whence: number): number {
    return this.#state.files.seek(this.#state.node(id), offset, whence);
  }

  copyFileRange(source: vfs.CopyEnd, target: vfs.CopyEnd, length: number): number {
    const state = this.#state;
    // Of a descriptor from before the copy-up too: the kernel refuses to copy a range onto itself.
    const from = { ...source, file: state.current(source.node) };
    const to = { ...target, file: state.node(target.node) };
    return state.files.copyRange(from, to, length);
  }

  readdir(id: NodeId, offset: number, sink: vfs.DirentSink): void {
    readdir(this.#state, this.#directory(id), offset, sink);
  }

  fsyncdir(id: NodeId, dataOnly: boolean): void {
    const node = this.#directory(id);
    if (node.layer === this.#state.upper) this.#state.files.fsync(node, { dataOnly });
  }

  statfs(_id: NodeId, out: StatFs): void {
    fillStatFs(this.#state.descriptor(this.#state.layers[0]!.root), out);
  }

  getxattr(id: NodeId, name: Name): Uint8Array | undefined {
    return xattrs.getxattr(this.#state, this.#state.current(id), name);
  }

  listxattr(id: NodeId, caller: Caller): Uint8Array {
    return xattrs.listxattr(this.#state, this.#state.current(id), caller);
  }

  setxattr(id: NodeId, name: Name, value: Uint8Array, options: vfs.SetxattrOptions): void {
    this.#state.assertWritable('setxattr');
    const node = this.#state.current(id);
    assertMayChange(this.#state, node, 'setxattr');
    xattrs.setxattr(this.#state, node, name, { value, options });
    node.keptCtime = undefined;
    this.#passOn(id, node);
  }

  removexattr(id: NodeId, name: Name): void {
    this.#state.assertWritable('removexattr');
    const node = this.#state.current(id);
    assertMayChange(this.#state, node, 'removexattr');
    xattrs.removexattr(this.#state, node, name);
    node.keptCtime = undefined;
    this.#passOn(id, node);
  }

  inodeFlags(id: NodeId, request: vfs.FlagsRequest): void {
    const state = this.#state;
    const sets = setsFlags(request.command);
    if (sets) state.assertWritable('ioctl');
    const node = state.current(id);
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

  /** Inode numbers of changed files that have names of which upper knows nothing. */
  copiesNamedByLowers(): Set<number> {
    return copiesNamedByLowers(this.#state);
  }

  #directory(id: NodeId): UnionNode {
    const node = this.#state.node(id);
    if (node.dirs === undefined) throw fsError(ENOTDIR, 'lookup', node.name);
    return node;
  }

  /** A change of the heir that was asked for by its predecessor's id: the kernel does not know that they are one. */
  #passOn(id: NodeId, changed: UnionNode): void {
    if (changed.id !== id) this.#state.files.session?.invalidateAttributes(changed.id);
  }

  #openCreated(node: UnionNode, made: { fd: number; flags: number }, target: vfs.NewFile): void {
    this.#state.files.openCreated(node, made, target.opened);
    if (node.mayBeMapped) target.entry.attr.ttlMs = 0;
  }

  #startCreation(parent: NodeId, umask: number, caller: Caller): UnionNode {
    this.#state.assertWritable('create');
    const directory = this.#directory(parent);
    assertMayCreate(this.#state, directory, 'create');
    this.#state.callerIds.become(caller, umask);
    return directory;
  }

  /** Fills the entry from `state.stat` and counts a reference. */
  #enter(node: UnionNode, out: Entry): void {
    out.nodeId = node.id;
    out.generation = 0;
    out.ttlMs = TTL_FOREVER;
    this.#state.fillAttr(node, this.#state.stat, out.attr);
    node.nlookup++;
  }
}
