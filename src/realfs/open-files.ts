/**
 * Open files over real ones: what union and mirror have in common.
 *
 * With passthrough an open registers the file with the kernel once for each inode; reads, writes and mmap then never
 * come here. Without it, and for what the kernel leaves to us even so (fallocate, fsync, copies), a file has one
 * descriptor for reading and one for writing, shared by all its opens.
 *
 * INVARIANT: all opens of a file that the kernel has at one time name the same backing file, or all none
 * (fs/fuse/iomode.c v6.18).
 * INVARIANT: what the kernel has cached of a file is not kept by an open that follows one with a backing file: writes
 * went past that cache.
 * INVARIANT: a file with setuid, setgid or capabilities is opened for writing with direct I/O, since only a write that
 * comes here can take them away.
 */

import { EBADF, EPERM, EROFS } from '../errno/errno.js';
import { check, fsError } from '../errno/fs-error.js';
import {
  AT_EMPTY_PATH,
  O_ACCMODE,
  O_APPEND,
  O_DIRECTORY,
  O_DSYNC,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  S_ISGID,
  S_ISUID,
} from '../linux/constants.js';
import { append, copyFileRange, fallocate, fdatasync, lseek, pwrite } from '../linux/files/data.js';
import { close, dup } from '../linux/files/open.js';
import { openTree } from '../linux/mounts/mount.js';
import type { Opened } from '../vfs/attr.js';
import type { FallocateRange, Session, WriteData } from '../vfs/file-system.js';
import type { Name } from '../vfs/name.js';
import type { NodeId } from '../vfs/node-id.js';
import { Wait } from '../vfs/wait.js';
import { DiskPace } from './disk/disk-pace.js';
import { isReadOnlyDisk } from './disk/read-only-disk.js';
import { SyncFailure } from './disk/sync-failure.js';
import type { HeldDescriptors } from './held-descriptors.js';
import { writeKeepingPrivileges } from './keep-privileges.js';
import { type LayerReads, readUpTo } from './layer-reads.js';
import { type Openable, type OpenState, openStateOf } from './open-state.js';

/** A node that can be opened; only OpenFiles changes its open state, but for what is known of its capabilities. */
export interface OpenFile extends Openable {
  readonly id: NodeId;
  readonly name: Name;
  readonly isDirectory: boolean;
  readonly mode: number;
}

/** How a file system reaches its files. */
interface Reach<F extends OpenFile> {
  /** Opens the file anew. @returns a descriptor that the caller closes. @throws FsError */
  open(file: F, flags: number): number;
  /** Opens what has the metadata of a file whose data lies elsewhere; -1 where one object has both. */
  openMetadata(file: F): number;
  hasCapability(file: F): boolean;
  killPrivileges(file: F): void;
  /** Any descriptor on the file's file system; stays the file system's. */
  diskOf(file: F): number;
  /** Whether opens of the file shall follow it when it is copied to another place: reads then come to us. */
  follows(file: F): boolean;
  /** Whether a file can be opened at any later time as well as now, whoever is to read it. */
  readonly opensLate: boolean;
  /** Whether descriptors of an open file may be closed, since whoever asks next can open it as its opener did. */
  readonly reopens: boolean;
}

export interface CopyEndpoint<F> {
  readonly file: F;
  readonly handle: number;
  readonly offset: number;
  /** Whether the target loses its set-id bits: see vfs.CopyEnd. */
  readonly killPriv: boolean;
}

interface Access {
  readonly reads: boolean;
  readonly writes: boolean;
  /** chattr +a: what is written is added at the end. */
  readonly appendOnly: boolean;
}

export interface SyncOptions {
  readonly dataOnly: boolean;
  /** As the open answered it; undefined for a directory. */
  readonly handle?: number;
}

/** Handles are numbered in the order of their opens, in steps of four; the bits below say what the open may do. */
const HANDLE_STEP = 4;
/** Add, and nothing else. */
const ADDING = 1;
const WRITING = 2;
const CREATED = { writes: true };

const S_IRUSR = 0o400;

/** Copied in one request; the kernel asks again for the rest, and other requests come between. */
const COPY_PIECE_BYTES = 8 * 1024 * 1024;

export class OpenFiles<F extends OpenFile> {
  session: Session | undefined;
  /** Told of each file whose open state has changed. */
  onChange: ((file: F) => void) | undefined;
  readonly #reach: Reach<F>;
  readonly #layerReads: LayerReads | undefined;
  readonly #keptBackings: number;
  readonly #held: HeldDescriptors;
  #backings = 0;
  #lastHandle = 0;
  /** How fast the disk that is written to goes. */
  readonly pace = new DiskPace();

  /**
   * @param keptBackings how many backing ids files keep after their last release; each holds a kernel file open.
   * @param layerReads how the thread that serves others too reads; undefined: without regard to them.
   */
  constructor(reach: Reach<F>, keptBackings: number, held: HeldDescriptors, layerReads?: LayerReads) {
    this.#layerReads = layerReads;
    this.#reach = reach;
    this.#keptBackings = keptBackings;
    this.#held = held;
  }

  get #user(): number | undefined {
    return this.session?.caller?.uid;
  }

  /** Opens the file, with a backing file where possible. @throws FsError, EMFILE when the caller holds too many. */
  open(file: F, access: Access, out: Opened): void {
    const state = openStateOf(file);
    this.#lastHandle += HANDLE_STEP;
    out.handle = this.#lastHandle;
    if (access.appendOnly) this.#openAppendOnly(file, access, out);
    else if (state.writeFdAppends && access.writes) this.#reopenToWrite(file);
    if ((access.appendOnly && !state.isBacked) || !this.#openBacking(file, access, out)) {
      if (state.cachePassed) out.keepCache = false;
      state.cachePassed = false;
      // What the kernel has cached needs no descriptor.
      const reads = access.reads && !this.#reach.opensLate;
      if ((access.writes && state.writeFd < 0) || (reads && state.readFd < 0))
        this.#held.assertRoom(this.#user, 'open');
      if (access.writes) this.writeDescriptor(file);
      if (reads) this.readDescriptor(file);
      state.mode = 'served';
    }
    state.openCount++;
    if (access.writes) {
      out.handle += WRITING;
      state.writers++;
      if (access.reads) this.#expectMapping(file, state);
    }
    this.onChange?.(file);
  }

  /**
   * All that is read and written comes here, whatever its opener does to his descriptor's O_APPEND. What is changed through
   * a map is refused, and shows to nobody but those who map it. The kernel maps the backing file where others have the
   * file open by passthrough: then only who cannot map it for writing may write.
   */
  #openAppendOnly(file: F, { reads, writes }: Access, out: Opened): void {
    const state = openStateOf(file);
    out.directIo = true;
    if (!writes) return;
    if (reads && state.isBacked) throw fsError(EPERM, 'open', file.name);
    out.handle += ADDING;
    if (state.writeFd >= 0) return;
    this.#held.assertRoom(this.#user, 'open');
    state.writeFd = this.#reach.open(file, O_WRONLY | O_APPEND);
    this.#held.hold(state.writeFd, this.#user);
    state.writeFdAppends = true;
  }

  /** The file is not append-only any more. */
  #reopenToWrite(file: F): void {
    const state = openStateOf(file);
    const opened = this.#reach.open(file, O_WRONLY);
    this.#held.close(state.writeFd);
    this.#held.hold(opened, this.#user);
    state.writeFd = opened;
    state.writeFdAppends = false;
  }

  /**
   * The same for a file just made, which the kernel does not know yet; takes over its descriptor, open for reading and
   * writing. `flags` are those of the open that made it. It never fails, since there is a file already.
   */
  openCreated(file: F, { fd, flags }: { readonly fd: number; readonly flags: number }, out: Opened): void {
    const state = openStateOf(file);
    this.#lastHandle += HANDLE_STEP;
    out.handle = this.#lastHandle + WRITING;
    state.writers++;
    state.hasCapability = false;
    // A mode without r for the owner keeps an ordinary user from opening it once more. Without a descriptor left he does not read.
    if (state.readFd < 0 && (file.mode & S_IRUSR) === 0) {
      state.readFd = Math.max(-1, dup(fd));
      if (state.readFd >= 0) this.#held.hold(state.readFd, this.#user);
    }
    if (state.writeFd < 0) {
      state.writeFd = fd;
      this.#held.hold(fd, this.#user);
    } else close(fd);
    if (!this.#openBacking(file, CREATED, out)) state.mode = 'served';
    else if (this.#reach.reopens && this.#held.isScarce) this.#closeDescriptors(state);
    state.openCount++;
    state.mayBeMapped = state.isBacked && (flags & O_ACCMODE) === O_RDWR;
    this.onChange?.(file);
  }

  /**
   * Expects a map of a file opened for reading and writing. What is mapped by passthrough is written without a word to us or to fuse's
   * cache of attributes, also after the last release: a map holds the backing file alone (mm/util.c:vma_set_file()). So
   * from now on the kernel has to ask.
   */
  #expectMapping(file: F, state: OpenState): void {
    if (state.mayBeMapped || !state.isBacked) return;
    state.mayBeMapped = true;
    this.session?.invalidateAttributes(file.id);
  }

  /** @param handle as the open answered it. */
  release(file: F, handle: number): void {
    const state = openStateOf(file);
    state.openCount--;
    if (isWriting(handle)) state.writers--;
    if (state.openCount > 0) {
      // A file system that is written to cannot be made read-only.
      if (state.writers === 0) this.#closeWriter(state);
      this.onChange?.(file);
      return;
    }
    this.#closeDescriptors(state);
    state.syncFailure = undefined;
    if (state.mode === 'outdated') {
      // A file from before that nobody reads any more makes room for its copy.
      this.dropBacking(file);
      if (state.outdatedFd >= 0) close(state.outdatedFd);
      state.outdatedFd = -1;
    }
    state.mode = 'closed';
    if (state.backingId !== 0 && this.#backings > this.#keptBackings) this.dropBacking(file);
    if (state.isBlank) file.openState = undefined;
    this.onChange?.(file);
  }

  dropBacking(file: F): void {
    const state = file.openState;
    if (state === undefined || state.backingId === 0) return;
    const { backingId } = state;
    state.backingId = 0;
    this.#backings--;
    // First: nobody is to take over an id that the kernel knows no more.
    this.onChange?.(file);
    this.session?.closeBacking(backingId);
  }

  /**
   * The file goes on in another object. Opens by passthrough go on with the one from before, which then backs them until
   * the last is released; those that come to us read the new one.
   * PRECONDITION: `Reach.open` still opens the one from before.
   */
  outdate(file: F): void {
    const state = file.openState;
    if (state === undefined || state.backingId === 0) return;
    if (state.openCount === 0) this.dropBacking(file);
    else {
      state.outdatedFd = this.#reach.open(file, O_PATH);
      state.mode = 'outdated';
      this.onChange?.(file);
    }
  }

  /** The object from before has a node of its own from now on. @returns its O_PATH descriptor, which is the caller's. */
  takeOutdated(file: F): number {
    const state = openStateOf(file);
    const fd = state.outdatedFd;
    state.outdatedFd = -1;
    state.mode = 'backed';
    return fd;
  }

  /** The file was opened by a process that is gone: `state` is what it knew, but for descriptors. */
  resume(file: F, state: OpenState): void {
    file.openState = state;
    if (state.backingId !== 0) this.#backings++;
  }

  closeAll(file: F): void {
    const state = file.openState;
    if (state === undefined) return;
    this.dropBacking(file);
    this.#closeDescriptors(state);
    if (state.outdatedFd >= 0) close(state.outdatedFd);
    state.outdatedFd = -1;
  }

  /** Closes the spare descriptor of a file that was removed: its file system keeps one of it from then on. */
  closeSpared(file: F): void {
    const state = file.openState;
    if (this.#reach.reopens && state?.isBacked === true && !state.writeFdAppends)
      this.#closeDescriptors(state);
  }

  #closeDescriptors(state: OpenState): void {
    this.#closeReader(state);
    this.#closeWriter(state);
  }

  #closeWriter(state: OpenState): void {
    if (state.writeFd >= 0) this.#held.close(state.writeFd);
    state.writeFd = -1;
    state.writeFdAppends = false;
  }

  #closeReader(state: OpenState): void {
    if (state.readFd >= 0) this.#held.close(state.readFd);
    state.readFd = -1;
  }

  /** Reads continue in another object: the descriptor is opened again. */
  reopen(file: F): void {
    const state = file.openState;
    if (state === undefined || state.readFd < 0) return;
    const opened = this.#reach.open(file, O_RDONLY);
    this.#held.close(state.readFd);
    this.#held.hold(opened, this.#user);
    state.readFd = opened;
  }

  readDescriptor(file: F): number {
    const state = openStateOf(file);
    if (state.readFd < 0) {
      state.readFd = this.#reach.open(file, O_RDONLY);
      this.#held.hold(state.readFd, this.#user);
    }
    return state.readFd;
  }

  /** Closes the reader of a file that is not open, or open without need of this descriptor. */
  closeReader(file: F): void {
    if (file.openState !== undefined) this.#closeReader(file.openState);
  }

  writeDescriptor(file: F): number {
    const state = openStateOf(file);
    if (state.writeFd < 0) {
      state.writeFd = this.#reach.open(file, O_WRONLY);
      this.#held.hold(state.writeFd, this.#user);
    }
    return state.writeFd;
  }

  read(file: F, offset: number, into: Uint8Array): number {
    const fd = this.readDescriptor(file);
    const length =
      this.#layerReads?.read(this.session, fd, offset, into) ?? readUpTo(fd, offset, into, file.name);
    if (this.#reach.opensLate && this.#held.isScarce) this.closeReader(file);
    return length;
  }

  /** @param handle as the open answered it. */
  write(file: F, data: WriteData, handle: number): number {
    const fd = this.writeDescriptor(file);
    const adds = isAdding(handle);
    if (data.isWriteback && (adds || openStateOf(file).writeFdAppends))
      throw fsError(EPERM, 'write', file.name);
    if (data.killPriv) this.#reach.killPrivileges(file);
    const written = adds
      ? append(fd, data.bytes)
      : data.isWriteback && this.#losesPrivileges(file)
        ? writeKeepingPrivileges(fd, () => pwrite(fd, data.bytes, data.offset))
        : pwrite(fd, data.bytes, data.offset);
    const length = check(written, 'write', file.name);
    if ((data.flags & O_DSYNC) !== 0) check(fdatasync(fd), 'fsync', file.name);
    return length;
  }

  /** @throws Wait until a helper thread has written the file, or directory, to disk, where that may take long. */
  fsync(file: F, { dataOnly, handle }: SyncOptions): void {
    const session = this.session!;
    // Each has a job of its own: that of another says nothing of what was written since it began.
    const job = session.awaited;
    if (job?.spec.kind === 'fsync') {
      this.pace.ended(job);
      this.#report(file, job.result, handle);
      return;
    }
    const opened = file.isDirectory
      ? this.#reach.open(file, O_RDONLY | O_DIRECTORY)
      : this.#reach.openMetadata(file);
    const writeFd = file.openState?.writeFd ?? -1;
    const fd = opened >= 0 ? opened : writeFd >= 0 ? writeFd : this.readDescriptor(file);
    if (this.pace.allows(fd)) {
      const result = this.pace.sync(fd, dataOnly ? 'data' : 'all');
      if (opened >= 0) close(opened);
      this.#report(file, result, handle);
      return;
    }
    const ofJob = opened >= 0 ? opened : check(dup(fd), 'fsync', file.name);
    const started = session.startJob({ kind: 'fsync', fd: ofJob, dataOnly });
    this.pace.began(started);
    throw new Wait(started);
  }

  /** @throws FsError when this sync failed, or one before of which this open file has not heard. */
  #report(file: F, result: number, handle: number | undefined): void {
    if (handle === undefined) {
      check(result, 'fsync', file.name);
      return;
    }
    const state = openStateOf(file);
    const before = state.syncFailure;
    const isNews = before?.tell(handle) === true;
    // One that fails as another did, of which it has not heard, met the same error of the disk.
    if (result < 0 && !(isNews && before?.errno === -result)) {
      state.syncFailure = new SyncFailure(-result, this.#lastHandle + HANDLE_STEP - 1);
      state.syncFailure.tell(handle);
      check(result, 'fsync', file.name);
    }
    if (isNews) throw fsError(before!.errno, 'fsync', file.name);
  }

  fallocate(file: F, range: FallocateRange): void {
    const fd = this.writeDescriptor(file);
    if (range.killPriv && this.#losesPrivileges(file)) this.#reach.killPrivileges(file);
    check(fallocate(fd, range.mode, range.offset, range.length), 'fallocate', file.name);
  }

  seek(file: F, offset: number, whence: number): number {
    return check(lseek(this.readDescriptor(file), offset, whence), 'lseek', file.name);
  }

  copyRange(source: CopyEndpoint<F>, target: CopyEndpoint<F>, length: number): number {
    if (isAdding(target.handle)) throw fsError(EBADF, 'copy_file_range', target.file.name);
    const from = this.readDescriptor(source.file);
    const to = this.writeDescriptor(target.file);
    const bytes = Math.min(length, COPY_PIECE_BYTES);
    if (target.killPriv && this.#losesPrivileges(target.file)) this.#reach.killPrivileges(target.file);
    return check(
      copyFileRange(from, source.offset, to, target.offset, bytes),
      'copy_file_range',
      target.file.name,
    );
  }

  /** Lets the kernel read and write the file itself. @returns false where it cannot. */
  #openBacking(file: F, { writes }: Pick<Access, 'writes'>, out: Opened): boolean {
    const { session } = this;
    const state = openStateOf(file);
    if (session === undefined || !session.passthrough || state.refusesBacking) return false;
    if (state.openCount > 0 ? !state.isBacked : this.#reach.follows(file)) return false;
    // The kernel says EIO of any backing file that it cannot open.
    if (writes && state.writeFd < 0 && isReadOnlyDisk(this.#reach.diskOf(file)))
      throw fsError(EROFS, 'open', file.name);
    if (state.backingId === 0) {
      // The kernel keeps what it is given, and one that may write would keep the file system from being made read-only.
      const fd =
        state.writeFd >= 0 ? openTree(state.writeFd, '', AT_EMPTY_PATH) : this.#reach.open(file, O_PATH);
      // Without a descriptor left what is open serves for now.
      if (fd < 0) return false;
      const id = session.openBacking(fd);
      close(fd);
      if (id <= 0) {
        state.refusesBacking = true;
        return false;
      }
      state.backingId = id;
      this.#backings++;
    }
    if (state.mode !== 'outdated') state.mode = 'backed';
    state.cachePassed = true;
    out.backingId = state.backingId;
    if (writes && this.#losesPrivileges(file)) out.directIo = true;
    return true;
  }

  #losesPrivileges(file: F): boolean {
    if ((file.mode & (S_ISUID | S_ISGID)) !== 0) return true;
    const state = openStateOf(file);
    state.hasCapability ??= this.#reach.hasCapability(file);
    return state.hasCapability;
  }
}

function isAdding(handle: number): boolean {
  return (handle & ADDING) !== 0;
}

function isWriting(handle: number): boolean {
  return (handle & WRITING) !== 0;
}
