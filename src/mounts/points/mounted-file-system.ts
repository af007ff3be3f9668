/**
 * The union and all that is mounted over it, as one FileSystem.
 *
 * Each request goes to the file system that owns its node (upper half of the id); ids are translated on the way. What
 * this adds is mount points: they show before what lies below, cannot be removed or renamed (EBUSY), and no name moves
 * across them (EXDEV) but between two mounts of the same directory.
 *
 * What a thread of its own serves (remote storage) has a stand-in here; in that thread, which has such an object too, all
 * else is missing. The same ids and mount points hold in all of them.
 */

import { EBUSY, ESTALE, EXDEV } from '../../errno/errno.js';
import { fsError } from '../../errno/fs-error.js';
import { DT_DIR, DT_UNKNOWN } from '../../linux/constants.js';
import { type Attr, Entry, type Opened, type StatFs } from '../../vfs/attr.js';
import type { Caller } from '../../vfs/caller.js';
import type * as vfs from '../../vfs/file-system.js';
import type { SyncScope } from '../../vfs/file-system.js';
import { POSITION_LIMIT } from '../../vfs/listing.js';
import type { Name } from '../../vfs/name.js';
import { type NodeId, nodeId, nodeLocal, nodeOwner, ROOT_NODE } from '../../vfs/node-id.js';
import { MirrorFileSystem } from '../mirror/mirror-file-system.js';
import { RemoteStandIn } from '../remote/remote-stand-in.js';
import { CoveringSink } from './covering-sink.js';
import { type MountPoint, MountTable } from './mount-table.js';
import { OwnedSession } from './owned-session.js';

export class MountedFileSystem implements vfs.FileSystem {
  readonly table = new MountTable();
  /** By owner. */
  readonly #members: (Member | undefined)[];
  readonly #onUnused: (owner: number) => void;
  readonly #identity: Identity | undefined;
  #session: vfs.Session | undefined;
  readonly #sink = new CoveringSink();
  readonly #probe = new Entry();
  /** Told how many references the root of a file system has. */
  onRootReferences: (owner: number, count: number) => void = () => undefined;

  /**
   * @param union file system 0; undefined in the thread of a remote storage.
   * @param onUnused told when nothing of a file system that was removed is in use any more.
   * @param identity of the serving thread, which mirrors change.
   */
  constructor(
    union: vfs.FileSystem | undefined,
    onUnused: (owner: number) => void = () => undefined,
    identity?: Identity,
  ) {
    this.#members = [union && memberOf(union)];
    this.#onUnused = onUnused;
    this.#identity = identity;
  }

  /** Adds a file system. @returns its number. */
  add(system: vfs.FileSystem): number {
    const owner = this.#members.length;
    this.addAt(owner, system);
    return owner;
  }

  /** Adds a file system under the number that it has in the session loop. */
  addAt(owner: number, system: vfs.FileSystem): void {
    const member = memberOf(system);
    this.#members[owner] = member;
    if (member.standIn !== undefined) member.standIn.owner = owner;
    if (this.#session !== undefined) system.attach(new OwnedSession(this.#session, owner));
  }

  system(owner: number): vfs.FileSystem | undefined {
    return this.#members[owner]?.system;
  }

  rootReferences(owner: number): number {
    return this.#members[owner]?.rootReferences ?? 0;
  }

  /** Numbers that were given out are not given out again. */
  get nextOwner(): number {
    return this.#members.length;
  }

  /** Adds a file system as another process has had it. */
  resume(owner: number, system: vfs.FileSystem, rootReferences: number): void {
    this.addAt(owner, system);
    this.#members[owner]!.rootReferences = rootReferences;
  }

  /** The next that is added gets this number. */
  continueFrom(owner: number): void {
    this.#members.length = Math.max(this.#members.length, owner);
  }

  /** The file system has no mount point any more: it goes with the last of its nodes. */
  remove(owner: number): void {
    const member = this.#members[owner];
    if (member === undefined) return;
    member.isRemoved = true;
    this.#dropIfUnused(owner, member);
  }

  /** Names by which the kernel may still hold what was removed; those that others than a mirror have are not known. */
  *namesOf(owner: number): Generator<{ readonly directory: NodeId; readonly name: Name }> {
    const mirror = this.#members[owner]?.mirror;
    if (mirror === undefined) return;
    for (const { directory, name } of mirror.table.places()) {
      yield { directory: nodeId(owner, directory), name };
    }
  }

  /** The thread says that nothing of it is in use. */
  drop(owner: number): void {
    this.#members[owner]?.system.detach();
    this.#members[owner] = undefined;
    this.#onUnused(owner);
  }

  attach(session: vfs.Session): void {
    this.#members[0]?.system.attach(session);
    this.join(session);
  }

  /** As `attach()`, when the union was served alone so far. */
  join(session: vfs.Session): void {
    this.#session = session;
    this.#members.forEach((member, owner) => {
      if (owner !== 0) member?.system.attach(new OwnedSession(session, owner));
    });
  }

  detach(): void {
    for (const member of this.#members) member?.system.detach();
  }

  /** One reference of a root more. */
  entered(root: NodeId): void {
    const owner = nodeOwner(root);
    const member = this.#members[owner];
    if (member !== undefined) this.onRootReferences(owner, ++member.rootReferences);
  }

  lookup(parent: NodeId, name: Name, out: Entry): boolean {
    const point = this.table.get(parent, name);
    if (point !== undefined) return this.enterPoint(point, out);
    const owner = nodeOwner(parent);
    if (!this.#system(owner).lookup(nodeLocal(parent), name, out)) return false;
    out.nodeId = nodeId(owner, out.nodeId);
    return true;
  }

  /** The entry of a mount point, with a reference where its file system counts them. */
  enterPoint(point: MountPoint, out: Entry): boolean {
    const { system, standIn } = this.#member(point.owner);
    if (point.node === undefined) {
      if (!system.lookup(ROOT_NODE, point.fileName!, out)) return false;
      out.nodeId = nodeId(point.owner, out.nodeId);
      return true;
    }
    system.getattr(nodeLocal(point.node), undefined, out.attr);
    if (standIn !== undefined) standIn.enterRoot();
    else if (nodeLocal(point.node) === ROOT_NODE) this.entered(point.node);
    out.nodeId = point.node;
    out.generation = 0;
    out.ttlMs = out.attr.ttlMs;
    return true;
  }

  forget(node: NodeId, count: number): void {
    const local = nodeLocal(node);
    const owner = nodeOwner(node);
    const member = this.#members[owner];
    // A last FORGET may come when the file system is gone.
    if (member === undefined) return;
    if (owner === 0 || local !== ROOT_NODE || member.standIn !== undefined)
      member.system.forget(local, count);
    else {
      member.rootReferences = Math.max(0, member.rootReferences - count);
      this.onRootReferences(owner, member.rootReferences);
    }
    if (member.isRemoved) this.#dropIfUnused(owner, member);
  }

  #dropIfUnused(owner: number, { system, rootReferences }: Member): void {
    if (isRemovable(system) && !system.isInUse && rootReferences === 0) this.drop(owner);
  }

  getattr(node: NodeId, handle: number | undefined, out: Attr): void {
    this.#owner(node).getattr(nodeLocal(node), handle, out);
  }

  setattr(node: NodeId, change: vfs.AttrChange, out: Attr, caller: Caller): void {
    this.#owner(node).setattr(nodeLocal(node), change, out, caller);
  }

  readlink(node: NodeId): Name {
    return this.#owner(node).readlink(nodeLocal(node));
  }

  mknod(parent: NodeId, name: Name, creation: vfs.Creation, target: vfs.NewEntry): void {
    this.#assertFree(parent, name, 'mknod');
    this.#owner(parent).mknod(nodeLocal(parent), name, creation, target);
    this.#translate(parent, target.entry);
  }

  mkdir(parent: NodeId, name: Name, creation: vfs.Creation, target: vfs.NewEntry): void {
    this.#assertFree(parent, name, 'mkdir');
    this.#owner(parent).mkdir(nodeLocal(parent), name, creation, target);
    this.#translate(parent, target.entry);
  }

  symlink(parent: NodeId, name: Name, content: Name, target: vfs.NewEntry): void {
    this.#assertFree(parent, name, 'symlink');
    this.#owner(parent).symlink(nodeLocal(parent), name, content, target);
    this.#translate(parent, target.entry);
  }

  link(node: NodeId, parent: NodeId, name: Name, out: Entry): void {
    this.#assertFree(parent, name, 'link');
    const from = this.#member(nodeOwner(node));
    const to = this.#member(nodeOwner(parent));
    if (from === to) {
      to.system.link(nodeLocal(node), nodeLocal(parent), name, out);
      this.#translate(parent, out);
      return;
    }
    const mirrors = sameSource(from, to);
    if (mirrors === undefined) throw fsError(EXDEV, 'link', name);
    mirrors[0].linkInto(nodeLocal(node), mirrors[1], nodeLocal(parent), name);
    to.system.lookup(nodeLocal(parent), name, out);
    this.#translate(parent, out);
  }

  unlink(parent: NodeId, name: Name): void {
    this.#assertFree(parent, name, 'unlink');
    this.#owner(parent).unlink(nodeLocal(parent), name);
  }

  rmdir(parent: NodeId, name: Name): void {
    this.#assertFree(parent, name, 'rmdir');
    this.#assertHoldsNone(parent, name, 'rmdir');
    this.#owner(parent).rmdir(nodeLocal(parent), name);
  }

  rename(parent: NodeId, name: Name, target: vfs.RenameTarget): void {
    this.#assertFree(parent, name, 'rename');
    this.#assertFree(target.parent, target.name, 'rename');
    const from = this.#members[nodeOwner(parent)];
    const to = this.#members[nodeOwner(target.parent)];
    const mirrors = sameSource(from, to);
    if (from === undefined || (from !== to && mirrors === undefined)) throw fsError(EXDEV, 'rename', name);
    this.#assertHoldsNone(target.parent, target.name, 'rename');
    const local = { parent: nodeLocal(target.parent), name: target.name, flags: target.flags };
    if (from === to) {
      this.#owner(parent).rename(nodeLocal(parent), name, local);
      return;
    }
    mirrors![0].renameInto(nodeLocal(parent), name, mirrors![1], local);
  }

  open(node: NodeId, intent: vfs.OpenIntent, out: Opened): void {
    this.#owner(node).open(nodeLocal(node), intent, out);
  }

  create(parent: NodeId, name: Name, creation: vfs.Creation, target: vfs.NewFile): void {
    this.#assertFree(parent, name, 'create');
    this.#owner(parent).create(nodeLocal(parent), name, creation, target);
    this.#translate(parent, target.entry);
  }

  tmpfile(parent: NodeId, creation: vfs.Creation, target: vfs.NewFile): void {
    this.#owner(parent).tmpfile(nodeLocal(parent), creation, target);
    this.#translate(parent, target.entry);
  }

  release(node: NodeId, handle: number): void {
    this.#owner(node).release(nodeLocal(node), handle);
  }

  flush(node: NodeId, handle: number): void {
    this.#owner(node).flush(nodeLocal(node), handle);
  }

  fsync(node: NodeId, handle: number, scope: SyncScope): void {
    this.#owner(node).fsync(nodeLocal(node), handle, scope);
  }

  read(node: NodeId, handle: number, offset: number, into: Uint8Array): number {
    return this.#owner(node).read(nodeLocal(node), handle, offset, into);
  }

  write(node: NodeId, handle: number, data: vfs.WriteData): number {
    return this.#owner(node).write(nodeLocal(node), handle, data);
  }

  fallocate(node: NodeId, handle: number, range: vfs.FallocateRange): void {
    this.#owner(node).fallocate(nodeLocal(node), handle, range);
  }

  lseek(node: NodeId, handle: number, offset: number, whence: number): number {
    return this.#owner(node).lseek(nodeLocal(node), handle, offset, whence);
  }

  /** Across file systems EXDEV: the kernel then copies by reading and writing. */
  copyFileRange(source: vfs.CopyEnd, target: vfs.CopyEnd, length: number): number {
    const owner = this.#owner(source.node);
    if (owner !== this.#owner(target.node)) throw fsError(EXDEV, 'copy_file_range');
    const from = { ...source, node: nodeLocal(source.node) };
    return owner.copyFileRange(from, { ...target, node: nodeLocal(target.node) }, length);
  }

  readdir(node: NodeId, offset: number, sink: vfs.DirentSink): void {
    const owner = nodeOwner(node);
    const points = this.table.in(node);
    if (owner === 0 && points === undefined) {
      this.#system(0).readdir(node, offset, sink);
      return;
    }
    this.#sink.begin(sink, owner, points);
    if (offset < POSITION_LIMIT) {
      const system = this.#system(owner);
      system.readdir(nodeLocal(node), offset, this.#sink);
      for (
        let covered = this.#sink.covered.pop();
        covered !== undefined;
        covered = this.#sink.covered.pop()
      ) {
        system.forget(covered, 1);
      }
      if (this.#sink.full) return;
    }
    if (points !== undefined) this.#listPoints(points, offset, sink);
  }

  fsyncdir(node: NodeId, scope: SyncScope): void {
    this.#owner(node).fsyncdir(nodeLocal(node), scope);
  }

  statfs(node: NodeId, out: StatFs): void {
    this.#owner(node).statfs(nodeLocal(node), out);
  }

  getxattr(node: NodeId, name: Name): Uint8Array | undefined {
    return this.#owner(node).getxattr(nodeLocal(node), name);
  }

  listxattr(node: NodeId, caller: Caller): Uint8Array {
    return this.#owner(node).listxattr(nodeLocal(node), caller);
  }

  setxattr(node: NodeId, name: Name, value: Uint8Array, options: vfs.SetxattrOptions): void {
    this.#owner(node).setxattr(nodeLocal(node), name, value, options);
  }

  removexattr(node: NodeId, name: Name): void {
    this.#owner(node).removexattr(nodeLocal(node), name);
  }

  inodeFlags(node: NodeId, request: vfs.FlagsRequest): void {
    this.#owner(node).inodeFlags(nodeLocal(node), request);
  }

  /** Within the file system that owns it. */
  pathOf(node: NodeId): Name | undefined {
    return this.#members[nodeOwner(node)]?.system.pathOf?.(nodeLocal(node));
  }

  /** Whether a thread of its own serves the file system. */
  isRemote(owner: number): boolean {
    return this.#members[owner]?.standIn !== undefined;
  }

  /** @throws ESTALE for one that was removed, or that another thread serves. */
  #member(owner: number): Member {
    const member = this.#members[owner];
    if (member === undefined) throw fsError(ESTALE, 'node', `of file system ${owner}`);
    // A mirror acts as the caller; a union decides by what the kernel has checked, and works as the daemon.
    if (this.#identity !== undefined && member.mirror === undefined) this.#identity.restore();
    return member;
  }

  #system(owner: number): vfs.FileSystem {
    return this.#member(owner).system;
  }

  #owner(node: NodeId): vfs.FileSystem {
    return this.#system(nodeOwner(node));
  }

  #translate(parent: NodeId, entry: Entry): void {
    entry.nodeId = nodeId(nodeOwner(parent), entry.nodeId);
  }

  /** @throws EBUSY for a mount point, also for one whose file is missing on the host. */
  #assertFree(parent: NodeId, name: Name, op: string): void {
    if (this.table.get(parent, name) !== undefined) throw fsError(EBUSY, op, name);
  }

  /** @throws EBUSY for a directory that has mount points in it. */
  #assertHoldsNone(parent: NodeId, name: Name, op: string): void {
    if (!this.lookup(parent, name, this.#probe)) return;
    const { nodeId: found } = this.#probe;
    this.forget(found, 1);
    if (this.table.in(found) !== undefined) throw fsError(EBUSY, op, name);
  }

  /**
   * The names of mount points, behind all others. A single file that is missing on the host is listed all the same:
   * the kernel keeps the listing of a directory of the union, and the file may be back at any time.
   */
  #listPoints(points: ReadonlyMap<Name, MountPoint>, offset: number, sink: vfs.DirentSink): void {
    let position = POSITION_LIMIT;
    for (const [name, point] of points) {
      position++;
      if (position <= offset) continue;
      if (!sink.fits(name.length)) return;
      const member = this.#members[point.owner];
      if (member === undefined || member.standIn !== undefined) {
        // Without asking the storage: the kernel asks for more when somebody wants to know.
        const type = point.node === undefined ? DT_UNKNOWN : DT_DIR;
        sink.add(name, member?.standIn?.inode ?? MISSING_INODE, type, position);
        continue;
      }
      if (!this.enterPoint(point, this.#probe)) {
        sink.add(name, MISSING_INODE, DT_UNKNOWN, position);
        continue;
      }
      const type = (this.#probe.attr.mode >> 12) & 0o17;
      if (sink.plus) sink.addPlus(name, this.#probe, type, position);
      else {
        sink.add(name, this.#probe.attr.ino, type, position);
        this.forget(this.#probe.nodeId, 1);
      }
    }
  }
}

/** As whom the serving thread works: see realfs/caller-ids.ts. */
interface Identity {
  /** The thread has all its capabilities again. */
  restore(): void;
}

interface Removable {
  /** Whether a node other than the root is referenced. */
  readonly isInUse: boolean;
}

function isRemovable(system: vfs.FileSystem): system is vfs.FileSystem & Removable {
  return 'isInUse' in system;
}

/** One of the file systems, and what is asked of it beyond the seam. */
interface Member {
  readonly system: vfs.FileSystem;
  /** Itself where it mirrors a host directory: it acts as the caller, and may share its source with others. */
  readonly mirror: MirrorFileSystem | undefined;
  /** Itself where a thread of its own serves what it stands for. */
  readonly standIn: RemoteStandIn | undefined;
  /** References of the root; other nodes are counted by the file system. */
  rootReferences: number;
  /** It has no mount point any more. */
  isRemoved: boolean;
}

function memberOf(system: vfs.FileSystem): Member {
  return {
    system,
    mirror: system instanceof MirrorFileSystem ? system : undefined,
    standIn: system instanceof RemoteStandIn ? system : undefined,
    rootReferences: 0,
    isRemoved: false,
  };
}

/** Any but 0, which programs take for a removed entry. */
const MISSING_INODE = 2 ** 52 - 1;

/** Both, when they mirror the same directory. */
function sameSource(
  from: Member | undefined,
  to: Member | undefined,
): [MirrorFileSystem, MirrorFileSystem] | undefined {
  if (from?.mirror === undefined || to?.mirror === undefined) return undefined;
  return from.mirror.source === to.mirror.source ? [from.mirror, to.mirror] : undefined;
}
