/**
 * A host directory as a FileSystem: each operation is the same one there. Serves binds, volumes and tmpfs.
 *
 * Nothing is cached beyond the answer where others may change the directory (`ttlMs` 0): a change made on the host
 * shows at once. Names are single components from the kernel, opened with O_NOFOLLOW below a descriptor, so no symlink
 * of the directory leads out of it.
 *
 * INVARIANT: a caller other than root does here what the host's kernel lets him do to the object that is really met: the
 * thread acts as him (realfs/caller-ids.ts), and what a name or an open gave is told by its descriptor.
 */

import { EEXIST, EINVAL, EISDIR, ENOTDIR, ENOTTY, EPERM, EROFS, ESTALE } from '../../errno/errno.js';
import { check, fsError } from '../../errno/fs-error.js';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_REMOVEDIR,
  AT_SYMLINK_FOLLOW,
  O_ACCMODE,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_RDONLY,
  O_RDWR,
  O_TMPFILE,
  O_TRUNC,
  O_WRONLY,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  STATX_ATTR_APPEND,
} from '../../linux/constants.js';
import { linkat, mkdirat, mknodat, readlinkat, symlinkat } from '../../linux/files/directory.js';
import { setsFlags } from '../../linux/files/inode-flags.js';
import { close, openat } from '../../linux/files/open.js';
import { Statx, statx } from '../../linux/files/statx.js';
import { WriteGate } from '../../realfs/disk/write-gate.js';
import type { LeftBehind, NodeKeeping, RestoredNodes } from '../../realfs/node-keeper.js';
import { openStateOf } from '../../realfs/open-state.js';
import { hasInodeFlags, protectionIn, requestFlags } from '../../realfs/protection-flags.js';
import { fillAttr, fillStatFs } from '../../realfs/real-object.js';
import type { Attr, Entry, Opened, StatFs } from '../../vfs/attr.js';
import type { Caller } from '../../vfs/caller.js';
import type * as vfs from '../../vfs/file-system.js';
import type { SyncScope } from '../../vfs/file-system.js';
import type { Name } from '../../vfs/name.js';
import { NO_NODE, type NodeId } from '../../vfs/node-id.js';
import { nodeOfCreated, nodeOfTmpfile } from './made-file.js';
import { setMirrorAttributes } from './mirror-attributes.js';
import { readMirrorDirectory } from './mirror-directory.js';
import { MirrorFiles } from './mirror-files.js';
import { moveName, removeName } from './mirror-names.js';
import { MIRROR_STATX, type MirrorNode, MirrorTable, objectIdentity } from './mirror-node.js';
import type { MirrorOptions } from './mirror-options.js';
import { getMirrorXattr, listMirrorXattrs, removeMirrorXattr, setMirrorXattr } from './mirror-xattrs.js';
import { restoreMirror } from './restore-mirror.js';

export class MirrorFileSystem implements vfs.FileSystem {
  readonly table: MirrorTable;
  readonly files: MirrorFiles;
  /** Device and inode number of the root: mirrors of one directory move names between each other. */
  readonly source: string;
  readonly ttlMs: number;
  readonly stat = new Statx();
  readonly #options: MirrorOptions;
  readonly #root: MirrorNode;
  readonly #gate: WriteGate;

  /** @throws FsError when the root cannot be looked at. */
  constructor(options: MirrorOptions) {
    this.#options = options;
    this.#gate = new WriteGate(options.rootFd);
    this.ttlMs = options.ttlMs;
    this.table = new MirrorTable(options);
    this.files = new MirrorFiles(this, options.quota, options.descriptors.held);
    check(statx(options.rootFd, '', AT_EMPTY_PATH, MIRROR_STATX, this.stat), 'statx');
    this.source = `${this.stat.dev}:${this.stat.ino}`;
    this.#root = this.table.make(objectIdentity(this.stat));
    this.#root.fd = options.rootFd;
    this.#root.pinned = true;
    this.#root.mode = this.stat.mode;
    this.#root.nlookup = 1;
  }

  /** O_PATH; stays ours. */
  get rootDescriptor(): number {
    return this.#root.fd;
  }

  /** Whose descriptors count for what is opened now. */
  get user(): number | undefined {
    return this.files.session?.caller?.uid;
  }

  readonly pathOf = (id: NodeId): Name | undefined => this.table.pathOf(id);

  /** Whether a node other than the root is referenced. */
  get isInUse(): boolean {
    return this.table.size > 1;
  }

  attach(session: vfs.Session): void {
    this.files.session = session;
  }

  /** Serves on what another process did, before `attach()`. */
  restore(left: LeftBehind): RestoredNodes {
    return restoreMirror(this, left);
  }

  /** Keeps what a process needs that takes over, from now on; undefined: no more. */
  keep(keeping: NodeKeeping | undefined): void {
    this.table.keep(keeping);
    this.files.onChange = keeping && ((node) => this.table.note(node));
  }

  detach(): void {
    for (const node of this.table.values()) {
      this.files.closeAll(node);
      if (node.fd >= 0) close(node.fd);
      node.fd = -1;
    }
    this.#options.onDetach();
  }

  lookup(parent: NodeId, name: Name, out: Entry): boolean {
    const at = this.#directory(parent);
    this.#actIn(at);
    const node = this.find(at, name);
    out.ttlMs = this.ttlMs;
    if (node === undefined) {
      out.nodeId = NO_NODE;
      return false;
    }
    this.enter(node, out);
    return true;
  }

  forget(id: NodeId, count: number): void {
    const node = this.table.forget(id, count);
    if (node !== undefined) this.table.release(node, (one) => this.files.closeForGood(one, this.#gate));
  }

  getattr(id: NodeId, _handle: number | undefined, out: Attr): void {
    const node = this.table.get(id);
    this.statNode(node);
    this.fillAttr(out);
    if (node.openState?.mayBeMapped === true) out.ttlMs = 0;
  }

  setattr(id: NodeId, change: vfs.AttrChange, out: Attr): void {
    this.#beginChange('setattr');
    const node = this.table.get(id);
    this.#act(node);
    setMirrorAttributes(this, node, change, this.#options.owners);
    this.getattr(id, undefined, out);
  }

  readlink(id: NodeId): Name {
    const content = readlinkat(this.table.descriptor(this.table.get(id)), '');
    return typeof content === 'string' ? content : String(check(content, 'readlink'));
  }

  mknod(parent: NodeId, name: Name, made: vfs.Creation, target: vfs.NewEntry): void {
    const at = this.#startCreation(parent, made.umask, target.caller);
    const directory = this.table.descriptor(at);
    check(mknodat(directory, name, made.mode, made.rdevMajor, made.rdevMinor), 'mknod', name);
    this.#enterNew(at, name, target.entry);
  }

  mkdir(parent: NodeId, name: Name, made: vfs.Creation, target: vfs.NewEntry): void {
    const at = this.#startCreation(parent, made.umask, target.caller);
    check(mkdirat(this.table.descriptor(at), name, made.mode & 0o7777), 'mkdir', name);
    this.#enterNew(at, name, target.entry);
  }

  symlink(parent: NodeId, name: Name, content: Name, target: vfs.NewEntry): void {
    const at = this.#startCreation(parent, 0, target.caller);
    check(symlinkat(content, this.table.descriptor(at), name), 'symlink', name);
    this.#enterNew(at, name, target.entry);
  }

  link(id: NodeId, parent: NodeId, name: Name, out: Entry): void {
    this.linkInto(id, this, parent, name);
    const node = this.table.get(id);
    this.statNode(node);
    this.enter(node, out);
  }

  /** One more name for the node, in this file system or another mirror of the same directory. */
  linkInto(id: NodeId, target: MirrorFileSystem, parent: NodeId, name: Name): void {
    target.#beginChange('link');
    const node = this.table.get(id);
    const at = target.#directory(parent);
    target.#actIn(at);
    const path = `/proc/self/fd/${this.table.descriptor(node)}`;
    check(linkat(AT_FDCWD, path, target.table.descriptor(at), name, AT_SYMLINK_FOLLOW), 'link', name);
    at.listing = undefined;
  }

  unlink(parent: NodeId, name: Name): void {
    this.#remove(parent, name, 0);
  }

  rmdir(parent: NodeId, name: Name): void {
    this.#remove(parent, name, AT_REMOVEDIR);
  }

  rename(parent: NodeId, name: Name, target: vfs.RenameTarget): void {
    this.renameInto(parent, name, this, target);
  }

  /** Moves a name, within this file system or to another mirror of the same directory. */
  renameInto(parent: NodeId, name: Name, other: MirrorFileSystem, target: vfs.RenameTarget): void {
    this.#beginChange('rename');
    other.#beginChange('rename');
    if ((target.flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) !== 0) throw fsError(EINVAL, 'rename', name);
    const from = this.#directory(parent);
    const to = other.#directory(target.parent);
    this.#actIn(from);
    moveName({ mirror: this, at: from, name }, { mirror: other, at: to, name: target.name }, target.flags);
  }

  open(id: NodeId, intent: vfs.OpenIntent, out: Opened): void {
    const node = this.table.get(id);
    if (node.isDirectory) throw fsError(EISDIR, 'open', node.name);
    const truncates = (intent.flags & O_TRUNC) !== 0;
    const access = intent.flags & O_ACCMODE;
    const writes = access !== O_RDONLY || truncates;
    if (truncates) this.#beginChange('open');
    else if (writes) this.#assertWritable('open');
    this.#act(node);
    this.files.openAsCaller(node, intent.flags);
    if (writes || this.ttlMs === 0) this.statNode(node);
    const protection = writes || this.ttlMs === 0 ? protectionIn(this.stat) : 0;
    if (this.ttlMs === 0) {
      // Capabilities may have changed on the host, as the mode.
      if (node.openState !== undefined) node.openState.hasCapability = undefined;
      if (this.stat.sizeBytes === 0 && this.files.isGenerated(node)) {
        openStateOf(node).refusesBacking = true;
        out.directIo = true;
      }
    }
    if (truncates) this.files.truncate(node, 0, undefined);
    if (truncates && intent.killPriv) this.files.killPrivileges(node);
    out.keepCache = this.ttlMs > 0;
    out.noFlush = !(writes && this.#options.saysAtClose === true);
    this.table.pin(node, this.user);
    const appendOnly = (protection & STATX_ATTR_APPEND) !== 0;
    this.files.open(node, { reads: access !== O_WRONLY, writes, appendOnly }, out);
  }

  create(parent: NodeId, name: Name, made: vfs.Creation, target: vfs.NewFile): void {
    const at = this.#startCreation(parent, made.umask, target.caller);
    this.table.assertRoom(this.user, 'create');
    const flags = O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR;
    const fd = openat(this.table.descriptor(at), name, flags, made.mode & 0o7777);
    // The name is new since the kernel looked it up: it has to look again, and to open what it finds.
    if (fd === -EEXIST && (made.flags & O_EXCL) === 0) throw fsError(ESTALE, 'create', name);
    const node = nodeOfCreated(this, { parent: at, name, fd: check(fd, 'create', name) });
    this.enter(node, target.entry);
    target.opened.keepCache = this.ttlMs > 0;
    target.opened.noFlush = this.#options.saysAtClose !== true;
    this.files.openCreated(node, { fd, flags: made.flags }, target.opened);
    if (node.openState?.mayBeMapped === true) target.entry.attr.ttlMs = 0;
  }

  tmpfile(parent: NodeId, made: vfs.Creation, target: vfs.NewFile): void {
    const at = this.#startCreation(parent, made.umask, target.caller);
    this.table.assertRoom(this.user, 'tmpfile');
    const flags = O_TMPFILE | O_RDWR | (made.flags & O_EXCL);
    const fd = check(openat(this.table.descriptor(at), '.', flags, made.mode & 0o7777), 'tmpfile');
    const node = nodeOfTmpfile(this, { parent: at, name: '', fd });
    this.enter(node, target.entry);
    this.files.openCreated(node, { fd, flags: made.flags }, target.opened);
    this.table.keepRemoved(node);
    if (node.openState?.mayBeMapped === true) target.entry.attr.ttlMs = 0;
  }

  release(id: NodeId, handle: number): void {
    const node = this.table.get(id);
    this.files.release(node, handle);
    if (node.openCount === 0) this.table.unpin(node);
  }

  flush(id: NodeId): void {
    if (this.#options.saysAtClose === true) this.files.flush(this.table.get(id));
  }

  fsync(id: NodeId, handle: number, scope: SyncScope): void {
    this.files.fsync(this.table.get(id), { dataOnly: scope === 'data', handle });
  }

  fsyncdir(id: NodeId, scope: SyncScope): void {
    this.files.fsync(this.#directory(id), { dataOnly: scope === 'data' });
  }

  read(id: NodeId, _handle: number, offset: number, into: Uint8Array): number {
    this.#act();
    return this.files.read(this.table.get(id), offset, into);
  }

  write(id: NodeId, handle: number, data: vfs.WriteData): number {
    this.#gate.pass(this.files.session);
    this.#act();
    return this.files.write(this.table.get(id), data, handle);
  }

  fallocate(id: NodeId, _handle: number, range: vfs.FallocateRange): void {
    this.#beginChange('fallocate');
    this.#act();
    this.files.fallocate(this.table.get(id), range);
  }

  lseek(id: NodeId, _handle: number, offset: number, whence: number): number {
    return this.files.seek(this.table.get(id), offset, whence);
  }

  copyFileRange(source: vfs.CopyEnd, target: vfs.CopyEnd, length: number): number {
    this.#gate.pass(this.files.session);
    this.#act();
    const from = { ...source, file: this.table.get(source.node) };
    return this.files.copyRange(from, { ...target, file: this.table.get(target.node) }, length);
  }

  readdir(id: NodeId, offset: number, sink: vfs.DirentSink): void {
    const node = this.#directory(id);
    this.#act(node);
    readMirrorDirectory(this, node, offset, sink);
  }

  statfs(_id: NodeId, out: StatFs): void {
    fillStatFs(this.#root.fd, out);
    this.#options.quota?.limit(out);
  }

  getxattr(id: NodeId, name: Name): Uint8Array | undefined {
    const node = this.table.get(id);
    this.#act(node);
    return getMirrorXattr(this, node, name);
  }

  listxattr(id: NodeId, caller: Caller): Uint8Array {
    return listMirrorXattrs(this, this.table.get(id), caller);
  }

  setxattr(id: NodeId, name: Name, value: Uint8Array, options: vfs.SetxattrOptions): void {
    this.#beginChange('setxattr');
    const node = this.table.get(id);
    this.#act(node);
    setMirrorXattr(this, node, name, { value, ...options });
  }

  removexattr(id: NodeId, name: Name): void {
    this.#beginChange('removexattr');
    const node = this.table.get(id);
    this.#act(node);
    removeMirrorXattr(this, node, name);
  }

  inodeFlags(id: NodeId, request: vfs.FlagsRequest): void {
    const node = this.table.get(id);
    if (!hasInodeFlags(node.mode)) throw fsError(ENOTTY, 'ioctl', node.name);
    const sets = setsFlags(request.command);
    if (sets) this.#beginChange('ioctl');
    this.#act(node);
    requestFlags(this.table.descriptor(node), '', request);
    if (sets && this.ttlMs > 0) this.files.session?.invalidateAttributes(id);
  }

  /** The node of a name, without a reference for the caller; `stat` holds what it is. */
  find(parent: MirrorNode, name: Name): MirrorNode | undefined {
    const result = this.table.lookAt(parent, name, this.stat);
    if (result === -2) return undefined;
    check(result, 'lookup', name);
    const key = objectIdentity(this.stat);
    const node = this.table.find(key) ?? this.table.make(key, this.files.session);
    if (node !== this.#root) this.table.setName(node, parent, name);
    if (node.removed) {
      node.removed = false;
      this.table.noteNamed(node);
    }
    node.mode = this.stat.mode;
    return node;
  }

  statNode(node: MirrorNode): void {
    check(
      statx(this.table.descriptor(node), '', AT_EMPTY_PATH, MIRROR_STATX, this.stat),
      'getattr',
      node.name,
    );
    node.mode = this.stat.mode;
  }

  /** Fills the entry from `stat` and counts a reference. */
  enter(node: MirrorNode, out: Entry): void {
    out.nodeId = node.id;
    out.generation = 0;
    out.ttlMs = this.ttlMs;
    this.fillAttr(out.attr);
    if (node.openState?.mayBeMapped === true) out.attr.ttlMs = 0;
    this.table.enter(node);
  }

  shownInode(dev: number, ino: number): number {
    return this.#options.inodeNumbers.base(dev) + ino;
  }

  fillAttr(out: Attr): void {
    const { stat } = this;
    const { owners } = this.#options;
    fillAttr(stat, out);
    out.ino = this.shownInode(stat.dev, stat.ino);
    out.nlink = stat.nlink;
    out.uid = owners === undefined ? stat.uid : owners.shownUid(stat.uid);
    out.gid = owners === undefined ? stat.gid : owners.shownGid(stat.gid);
    out.ttlMs = this.ttlMs;
  }

  #directory(id: NodeId): MirrorNode {
    const node = this.table.get(id);
    if (!node.isDirectory) throw fsError(ENOTDIR, 'lookup', node.name);
    return node;
  }

  #assertWritable(op: string): void {
    if (this.#options.readOnly) throw fsError(EROFS, op);
  }

  /** Before a change: nothing of it may have been made. @throws Wait while the storage takes none, EROFS */
  #beginChange(op: string): void {
    this.#assertWritable(op);
    this.#gate.pass(this.files.session);
  }

  /** Whether owners are stored as others than the mount shows. */
  get mapsOwners(): boolean {
    return this.#options.owners !== undefined;
  }

  /** Runs what needs no permission of the caller's. */
  asSelf<T>(run: () => T): T {
    return this.#options.callerIds.asSelf(run);
  }

  /** The thread does what follows in this request with all that the daemon may. */
  actAsDaemon(): void {
    this.#options.callerIds.restore();
  }

  /** The thread does what follows with the caller's ids. */
  #act(node?: MirrorNode): void {
    const caller = this.files.session?.caller;
    if (caller === undefined) return;
    const fd = node === undefined ? -1 : this.table.descriptor(node);
    this.#options.callerIds.act(caller, this.#options.owners, fd);
  }

  /** The same for names in a directory. */
  #actIn(directory: MirrorNode): void {
    this.#act(directory);
    if (directory === this.#root && this.#options.isOfOneFile === true) this.actAsDaemon();
  }

  readonly #creator: Caller = { uid: 0, gid: 0, pid: 0 };

  #startCreation(parent: NodeId, umask: number, caller: Caller): MirrorNode {
    this.#beginChange('create');
    const { owners, callerIds } = this.#options;
    const node = this.#directory(parent);
    this.#actIn(node);
    this.#creator.uid = owners === undefined ? caller.uid : owners.storedUid(caller.uid);
    this.#creator.gid = owners === undefined ? caller.gid : owners.storedGid(caller.gid);
    callerIds.become(this.#creator, umask);
    node.listing = undefined;
    return node;
  }

  #enterNew(parent: MirrorNode, name: Name, out: Entry): void {
    const node = this.find(parent, name);
    if (node === undefined) throw fsError(EPERM, 'create', name);
    this.enter(node, out);
  }

  #remove(parent: NodeId, name: Name, flags: number): void {
    this.#beginChange(flags === 0 ? 'unlink' : 'rmdir');
    const at = this.#directory(parent);
    this.#actIn(at);
    removeName({ mirror: this, at, name }, flags);
  }

  /** The node was reached by a name that is gone; its open files go on. */
  unname(node: MirrorNode): void {
    node.removed = true;
    this.table.note(node);
    this.files.closeSpared(node);
    this.table.release(node, (one) => this.files.closeForGood(one, this.#gate));
  }
}
