/**
 * The seam between engines and file systems: one method for each operation of the kernel's, spelled as there.
 *
 * Methods are synchronous and answer at once; long work throws `Wait` (see wait.ts). Failure throws FsError. Results
 * go into records that the engine owns and reuses (`out` parameters). Names are latin1 strings, one char a byte.
 *
 * INVARIANT: each successful lookup, mknod, mkdir, symlink, link, create, tmpfile and each entry accepted by
 * `DirentSink.addPlus` counts one reference of the node for the caller; `forget` gives them back. Ids are not reused
 * while a reference is held.
 */

import type { Attr, Entry, Opened, StatFs } from './attr.js';
import type { Caller } from './caller.js';
import type { Name } from './name.js';
import type { NodeId } from './node-id.js';
import type { Job, JobSpec } from './wait.js';

/** Which fields of a setattr are meant. */
export class AttrChange {
  mode: number | undefined;
  uid: number | undefined;
  gid: number | undefined;
  sizeBytes: number | undefined;
  /** Seconds; 'now' is the time of the call. */
  atimeSec: number | 'now' | undefined;
  atimeNsec = 0;
  mtimeSec: number | 'now' | undefined;
  mtimeNsec = 0;
  /** Clear setuid, setgid and capabilities as an unprivileged write does. */
  killPriv = false;
  /** A chown(2) that keeps both ids: names no field, and takes setuid and setgid like every other. */
  bareChown = false;
  /** Open handle the change came through. */
  handle: number | undefined;

  reset(): void {
    this.mode = undefined;
    this.uid = undefined;
    this.gid = undefined;
    this.sizeBytes = undefined;
    this.atimeSec = undefined;
    this.atimeNsec = 0;
    this.mtimeSec = undefined;
    this.mtimeNsec = 0;
    this.killPriv = false;
    this.bareChown = false;
    this.handle = undefined;
  }
}

/** What a new object is made with. */
export class Creation {
  /** Type and permission bits before the umask. */
  mode = 0;
  umask = 0;
  rdevMajor = 0;
  rdevMinor = 0;
  /** Open flags (O_*), for create and tmpfile. */
  flags = 0;
}

/** Takes directory entries until its buffer is full. */
export interface DirentSink {
  /** Whether the caller wants attributes and references with the names. */
  readonly plus: boolean;
  /** Whether an entry with a name of that many bytes still fits. */
  fits(nameLength: number): boolean;
  /** `type` is a DT_* value; `nextOffset` is where reading resumes after this entry. */
  add(name: Name, ino: number, type: number, nextOffset: number): void;
  /** The same with an entry, whose node then has one reference more. `entry.nodeId` 0 gives no reference. */
  addPlus(name: Name, entry: Entry, type: number, nextOffset: number): void;
}

/** What a file system may ask of the engine that drives it. */
export interface Session {
  /** Whether opened files can be handed to the kernel to read and write itself. */
  readonly passthrough: boolean;
  /** Whether the running request waited for a job and is dispatched again. */
  readonly replaying: boolean;
  /** The job that it waited for. */
  readonly awaited: Job | undefined;
  /** The caller whose request is answered now; undefined where the engine does not learn it. */
  readonly caller: Caller | undefined;
  /** Registers the file behind a descriptor (O_PATH serves). @returns the backing id, or a negated errno. */
  openBacking(fd: number): number;
  closeBacking(backingId: number): void;
  /** Makes the kernel ask for the node's attributes again. */
  invalidateAttributes(node: NodeId): void;
  /** Makes the kernel ask for a directory's listing again, which it keeps until a change that went through it. */
  invalidateListing(node: NodeId): void;
  /** Asks the kernel to forget those of the nodes that nobody uses; FORGETs tell which it did. @returns false where it cannot. */
  pruneNodes(nodes: readonly NodeId[]): boolean;
  /** Where data for `storeData` is put; undefined where the kernel's cache cannot be filled unasked. */
  readonly storeRoom: Uint8Array | undefined;
  /**
   * Puts the first bytes of `storeRoom` into the kernel's cache as the start of a file. PRECONDITION: no open of it was
   * answered that is not released, since the reader may hold a page while it waits for the answer.
   * @returns false when the kernel did not take them.
   */
  storeData(node: NodeId, length: number): boolean;
  /** Starts long work; throw `Wait` with the job it returns. */
  startJob(spec: JobSpec): Job;
}

/** What is to be on disk: `data` and the size, as for fdatasync(2), or all, as for fsync(2). */
export type SyncScope = 'data' | 'all';

export interface FileSystem {
  /** Called once, before any other method. */
  attach(session: Session): void;
  /** Called once, after the last; releases descriptors and private directories. */
  detach(): void;

  /** @returns false when there is no such name; `out.ttlMs` then says for how long. */
  lookup(parent: NodeId, name: Name, out: Entry): boolean;
  forget(node: NodeId, count: number): void;
  getattr(node: NodeId, handle: number | undefined, out: Attr): void;
  setattr(node: NodeId, change: AttrChange, out: Attr, caller: Caller): void;
  readlink(node: NodeId): Name;

  mknod(parent: NodeId, name: Name, creation: Creation, target: NewEntry): void;
  mkdir(parent: NodeId, name: Name, creation: Creation, target: NewEntry): void;
  symlink(parent: NodeId, name: Name, content: Name, target: NewEntry): void;
  link(node: NodeId, parent: NodeId, name: Name, out: Entry): void;
  unlink(parent: NodeId, name: Name): void;
  rmdir(parent: NodeId, name: Name): void;
  rename(parent: NodeId, name: Name, target: RenameTarget): void;

  open(node: NodeId, intent: OpenIntent, out: Opened): void;
  /** Makes the name and opens it; with O_EXCL in `creation.flags` the name must not exist. */
  create(parent: NodeId, name: Name, creation: Creation, target: NewFile): void;
  tmpfile(parent: NodeId, creation: Creation, target: NewFile): void;
  release(node: NodeId, handle: number): void;
  flush(node: NodeId, handle: number): void;
  fsync(node: NodeId, handle: number, scope: SyncScope): void;
  /** @returns bytes read into `into`; fewer than its length only at the end of the file. */
  read(node: NodeId, handle: number, offset: number, into: Uint8Array): number;
  /** @returns bytes written. */
  write(node: NodeId, handle: number, data: WriteData): number;
  fallocate(node: NodeId, handle: number, range: FallocateRange): void;
  /** SEEK_DATA and SEEK_HOLE. */
  lseek(node: NodeId, handle: number, offset: number, whence: number): number;
  /** @returns bytes copied, possibly fewer than asked for. */
  copyFileRange(source: CopyEnd, target: CopyEnd, length: number): number;

  readdir(node: NodeId, offset: number, sink: DirentSink): void;
  fsyncdir(node: NodeId, scope: SyncScope): void;
  statfs(node: NodeId, out: StatFs): void;

  getxattr(node: NodeId, name: Name): Uint8Array | undefined;
  /** Names that the caller may see, each ended by NUL, as listxattr(2). */
  listxattr(node: NodeId, caller: Caller): Uint8Array;
  setxattr(node: NodeId, name: Name, value: Uint8Array, options: SetxattrOptions): void;
  /** @throws ENODATA when there is none. */
  removexattr(node: NodeId, name: Name): void;

  /** Reads or sets the flags of a file or directory that chattr(1) knows. @throws ENOTTY where there are none. */
  inodeFlags(node: NodeId, request: FlagsRequest): void;

  /** The path by which a node was reached last, for people; undefined of one that is not in use, or that another thread serves. */
  pathOf?(node: NodeId): Name | undefined;
}

/** A mutable record that the engine reuses. */
export class FlagsRequest {
  /** FS_IOC_GETFLAGS, FS_IOC_SETFLAGS, FS_IOC_FSGETXATTR or FS_IOC_FSSETXATTR. */
  command = 0;
  /** What is set, or what is found: flags in the first word, or a struct fsxattr. */
  readonly words = new Uint32Array(7);
  readonly data = new Uint8Array(this.words.buffer);
}

export class NewEntry {
  readonly entry: Entry;
  readonly caller: Caller;
  constructor(entry: Entry, caller: Caller) {
    this.entry = entry;
    this.caller = caller;
  }
}

export class NewFile extends NewEntry {
  readonly opened: Opened;
  constructor(entry: Entry, caller: Caller, opened: Opened) {
    super(entry, caller);
    this.opened = opened;
  }
}

/** A mutable record that the engine reuses. */
export class OpenIntent {
  /** The thread that opens; 0 where that is not known. */
  pid = 0;
  /** O_* as open(2) has them. */
  flags = 0;
  /** With O_TRUNC: drop setuid, setgid and capabilities as an unprivileged write does. */
  killPriv = false;
}

export interface RenameTarget {
  readonly parent: NodeId;
  readonly name: Name;
  /** RENAME_* bits. */
  readonly flags: number;
}

export class WriteData {
  offset = 0;
  /** A view of the request; valid during the call only. */
  bytes: Uint8Array = new Uint8Array(0);
  /** As in AttrChange. */
  killPriv = false;
  /** Open flags of the writing descriptor: O_SYNC and O_DSYNC count. */
  flags = 0;
  /** The kernel writes back what was changed through a map. */
  isWriteback = false;
}

export interface FallocateRange {
  readonly offset: number;
  readonly length: number;
  /** FALLOC_FL_* bits. */
  readonly mode: number;
  /** Drop setuid, setgid and capabilities as an unprivileged write does. */
  readonly killPriv: boolean;
}

export interface CopyEnd {
  readonly node: NodeId;
  readonly handle: number;
  readonly offset: number;
  /** Whether the target loses its set-id bits, as in FallocateRange. */
  readonly killPriv: boolean;
}

export interface SetxattrOptions {
  /** XATTR_CREATE, XATTR_REPLACE. */
  readonly flags: number;
  /** Drop setgid along with the ACL change (FUSE_SETXATTR_ACL_KILL_SGID). */
  readonly killSgid: boolean;
}
