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

import { EBADF, EPERM } from '../errno/errno.js';
import { check, fsError } from '../errno/fs-error.js';
import {
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
import { append, copyFileRange, fallocate, fdatasync, lseek, pread, pwrite } from '../linux/data.js';
import { close, dup } from '../linux/open.js';
import type { Opened } from '../vfs/attr.js';
import type { FallocateRange, Session, WriteData } from '../vfs/file-system.js';
import type { Name } from '../vfs/name.js';
import type { NodeId } from '../vfs/node-id.js';
import { Wait } from '../vfs/wait.js';
import { DiskPace } from './disk-pace.js';
import type { HeldDescriptors } from './held-descriptors.js';
import type { LayerReads } from './layer-reads.js';
import { SyncFailure } from './sync-failure.js';

/** A node that can be opened; only OpenFiles writes these fields, but for `mode` and `hasCapability`. */
export interface OpenFile {
  readonly id: NodeId;
  readonly name: Name;
  readonly isDirectory: boolean;
  mode: number;
  /** Opens that were not released. */
  openCount: number;
  /** The kernel's id of the file it reads and writes for all opens; 0 for none. */
  backingId: number;
  /** Whether the opens that were not released have a backing file. */
  opensBacked: boolean;
  /** Whether a map may change the times, so that the kernel must not keep them: see `expectMapping()`. */
  mayBeMapped: boolean;
  /** Whether an open with a backing file came since the kernel's cache of the file was last dropped. */
  cachePassed: boolean;
  /** The kernel cannot take this file as a backing file: its file system is stacked too deep. */
  refusesBacking: boolean;
  /** Descriptors for what comes to us; -1 when not open. */
  readFd: number;
  writeFd: number;
  /** Whether `writeFd` was opened with O_APPEND, for a file that takes nothing else. */
  writeFdAppends: boolean;
  /** The last sync that failed since the file was opened. */
  syncFailure: SyncFailure | undefined;
  /** Whether the file has a security.capability; undefined when not known. */
  hasCapability: boolean | undefined;
}

/** How a file system reaches its files. */
export interface Reach<F extends OpenFile> {
  /** Opens the file anew. @returns a descriptor that the caller closes. @throws FsError */
  open(file: F, flags: number): number;
  /** Opens what has the metadata of a file whose data lies elsewhere; -1 where one object has both. */
  openMetadata(file: F): number;
  hasCapability(file: F): boolean;
  killPrivileges(file: F): void;
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
  /** Of the target: see vfs.CopyEnd. */
  readonly killPriv: boolean;
}

/** How a file is opened. */
export interface Access {
  readonly reads: boolean;
  readonly writes: boolean;
  /** chattr +a: what is written is added at the end. */
  readonly appendOnly: boolean;
}

export interface SyncWish {
  readonly dataOnly: boolean;
  /** As the open answered it; undefined for a directory. */
  readonly handle?: number;
}

/** Handles are numbered in the order of their opens, in steps of two; those that may only add are odd. */
const HANDLE_STEP = 2;
const ADDING = 1;

const S_IRUSR = 0o400;

/** Copied in one request; the kernel asks again for the rest, and other requests come between. */
const COPY_PIECE_BYTES = 8 * 1024 * 1024;

export class OpenFiles<F extends OpenFile> {
  session: Session | undefined;
  readonly #reach: Reach<F>;
  readonly #layerReads: LayerReads | undefined;
  readonly #keptBackings: number;
  readonly #held: HeldDescriptors;
  #backings = 0;
  #lastHandle = 0;
  readonly #pace = new DiskPace();

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
    this.#lastHandle += HANDLE_STEP;
    out.handle = this.#lastHandle;
    if (access.appendOnly) this.#openAppendOnly(file, access, out);
    else if (file.writeFdAppends && access.writes) this.#reopenToWrite(file);
    if ((access.appendOnly && !file.opensBacked) || !this.#openBacking(file, access.writes, out)) {
      if (file.cachePassed) out.keepCache = false;
      file.cachePassed = false;
      // What the kernel has cached needs no descriptor.
      const reads = access.reads && !this.#reach.opensLate;
      if ((access.writes && file.writeFd < 0) || (reads && file.readFd < 0))
        this.#held.assertRoom(this.#user, 'open');
      if (access.writes) this.writeDescriptor(file);
      if (reads) this.readDescriptor(file);
    }
    file.openCount++;
    if (access.reads && access.writes) this.#expectMapping(file);
  }

  /**
   * All that is read and written comes here, whatever its opener does to his descriptor's O_APPEND. What is changed through
   * a map is refused, and shows to nobody but those who map it. The kernel maps the backing file where others have the
   * file open by passthrough: then only who cannot map it for writing may write.
   */
  #openAppendOnly(file: F, { reads, writes }: Access, out: Opened): void {
    out.directIo = true;
    if (!writes) return;
    if (reads && file.opensBacked) throw fsError(EPERM, 'open', file.name);
    out.handle += ADDING;
    if (file.writeFd >= 0) return;
    this.#held.assertRoom(this.#user, 'open');
    file.writeFd = this.#reach.open(file, O_WRONLY | O_APPEND);
    this.#held.hold(file.writeFd, this.#user);
    file.writeFdAppends = true;
  }

  /** The file is not append-only any more. */
  #reopenToWrite(file: F): void {
    const opened = this.#reach.open(file, O_WRONLY);
    this.#held.close(file.writeFd);
    this.#held.hold(opened, this.#user);
    file.writeFd = opened;
    file.writeFdAppends = false;
  }

  /**
   * The same for a file just made, which the kernel does not know yet; takes over its descriptor, open for reading and
   * writing. `flags` are those of the open that made it.
   */
  openCreated(file: F, { fd, flags }: { readonly fd: number; readonly flags: number }, out: Opened): void {
    this.#lastHandle += HANDLE_STEP;
    out.handle = this.#lastHandle;
    // A mode without r for the owner keeps an ordinary user from opening it once more.
    if (file.readFd < 0 && (file.mode & S_IRUSR) === 0) {
      file.readFd = check(dup(fd), 'dup', file.name);
      this.#held.hold(file.readFd, this.#user);
    }
    if (file.writeFd < 0) {
      file.writeFd = fd;
      this.#held.hold(fd, this.#user);
    } else close(fd);
    this.#openBacking(file, true, out);
    if (file.opensBacked && this.#reach.reopens && this.#held.isScarce) this.#closeDescriptors(file);
    file.openCount++;
    file.mayBeMapped = file.opensBacked && (flags & O_ACCMODE) === O_RDWR;
  }

  /**
   * Of a file opened for reading and writing. What is mapped by passthrough is written without a word to us or to fuse's
   * cache of attributes, also after the last release: a map holds the backing file alone (mm/util.c:vma_set_file()). So
   * from now on the kernel has to ask.
   */
  #expectMapping(file: F): void {
    if (file.mayBeMapped || !file.opensBacked) return;
    file.mayBeMapped = true;
    this.session?.invalidateAttributes(file.id);
  }

  release(file: F): void {
    file.openCount--;
    if (file.openCount > 0) return;
    this.#closeDescriptors(file);
    file.syncFailure = undefined;
    file.opensBacked = false;
    if (file.backingId !== 0 && this.#backings > this.#keptBackings) this.dropBacking(file);
  }

  dropBacking(file: F): void {
    if (file.backingId === 0) return;
    this.session?.closeBacking(file.backingId);
    file.backingId = 0;
    this.#backings--;
  }

  closeAll(file: F): void {
    this.dropBacking(file);
    this.#closeDescriptors(file);
  }

  /** Of a file that was removed: its file system keeps one descriptor of it from then on. */
  closeSpared(file: F): void {
    if (this.#reach.reopens && !file.writeFdAppends && file.opensBacked) this.#closeDescriptors(file);
  }

  #closeDescriptors(file: F): void {
    this.closeReader(file);
    if (file.writeFd >= 0) this.#held.close(file.writeFd);
    file.writeFd = -1;
    file.writeFdAppends = false;
  }

  /** Reads continue in another object: the descriptor is opened again. */
  reopen(file: F): void {
    if (file.readFd < 0) return;
    const opened = this.#reach.open(file, O_RDONLY);
    this.#held.close(file.readFd);
    this.#held.hold(opened, this.#user);
    file.readFd = opened;
  }

  readDescriptor(file: F): number {
    if (file.readFd < 0) {
      file.readFd = this.#reach.open(file, O_RDONLY);
      this.#held.hold(file.readFd, this.#user);
    }
    return file.readFd;
  }

  /** Of a file that is not open, or open without need of this descriptor. */
  closeReader(file: F): void {
    if (file.readFd < 0) return;
    this.#held.close(file.readFd);
    file.readFd = -1;
  }

  writeDescriptor(file: F): number {
    if (file.writeFd < 0) {
      file.writeFd = this.#reach.open(file, O_WRONLY);
      this.#held.hold(file.writeFd, this.#user);
    }
    return file.writeFd;
  }

  read(file: F, offset: number, into: Uint8Array): number {
    const fd = this.readDescriptor(file);
    const length = this.#layerReads?.read(this.session, fd, offset, into) ?? readUpTo(file, offset, into);
    if (this.#reach.opensLate && this.#held.isScarce) this.closeReader(file);
    return length;
  }

  /** @param handle as the open answered it. */
  write(file: F, data: WriteData, handle: number): number {
    const fd = this.writeDescriptor(file);
    const adds = isAdding(handle);
    if (data.isWriteback && (adds || file.writeFdAppends)) throw fsError(EPERM, 'write', file.name);
    if (data.killPriv) this.#reach.killPrivileges(file);
    const written = adds ? append(fd, data.bytes) : pwrite(fd, data.bytes, data.offset);
    const length = check(written, 'write', file.name);
    if ((data.flags & O_DSYNC) !== 0) check(fdatasync(fd), 'fsync', file.name);
    return length;
  }

  /** @throws Wait until a helper thread has written the file, or directory, to disk, where that may take long. */
  fsync(file: F, { dataOnly, handle }: SyncWish): void {
    const session = this.session!;
    // Each has a job of its own: that of another says nothing of what was written since it began.
    const job = session.awaited;
    if (job?.spec.kind === 'fsync') {
      this.#pace.ended(job);
      this.#report(file, job.result, handle);
      return;
    }
    const opened = file.isDirectory
      ? this.#reach.open(file, O_RDONLY | O_DIRECTORY)
      : this.#reach.openMetadata(file);
    const fd = opened >= 0 ? opened : file.writeFd >= 0 ? file.writeFd : this.readDescriptor(file);
    if (this.#pace.allows(fd)) {
      const result = this.#pace.sync(fd, dataOnly);
      if (opened >= 0) close(opened);
      this.#report(file, result, handle);
      return;
    }
    const ofJob = opened >= 0 ? opened : check(dup(fd), 'fsync', file.name);
    const started = session.startJob({ kind: 'fsync', fd: ofJob, dataOnly });
    this.#pace.began(started);
    throw new Wait(started);
  }

  /** @throws FsError when this sync failed, or one before of which this open file has not heard. */
  #report(file: F, result: number, handle: number | undefined): void {
    if (handle === undefined) {
      check(result, 'fsync', file.name);
      return;
    }
    const before = file.syncFailure;
    const isNews = before?.tell(handle) === true;
    // One that fails as another did, of which it has not heard, met the same error of the disk.
    if (result < 0 && !(isNews && before?.errno === -result)) {
      file.syncFailure = new SyncFailure(-result, this.#lastHandle + ADDING);
      file.syncFailure.tell(handle);
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
  #openBacking(file: F, writes: boolean, out: Opened): boolean {
    const { session } = this;
    if (session === undefined || !session.passthrough || file.refusesBacking) return false;
    if (file.openCount > 0 ? !file.opensBacked : this.#reach.follows(file)) return false;
    if (file.backingId === 0) {
      const fd = file.writeFd >= 0 ? file.writeFd : this.#reach.open(file, O_PATH);
      const id = session.openBacking(fd);
      if (fd !== file.writeFd) close(fd);
      if (id <= 0) {
        file.refusesBacking = true;
        return false;
      }
      file.backingId = id;
      this.#backings++;
    }
    file.opensBacked = true;
    file.cachePassed = true;
    out.backingId = file.backingId;
    if (writes && this.#losesPrivileges(file)) out.directIo = true;
    return true;
  }

  #losesPrivileges(file: F): boolean {
    if ((file.mode & (S_ISUID | S_ISGID)) !== 0) return true;
    file.hasCapability ??= this.#reach.hasCapability(file);
    return file.hasCapability;
  }
}

function isAdding(handle: number): boolean {
  return handle % HANDLE_STEP === ADDING;
}

/** Reads until `into` is full or the file ends. */
function readUpTo(file: OpenFile, offset: number, into: Uint8Array): number {
  let total = 0;
  while (total < into.length) {
    const rest = total === 0 ? into : into.subarray(total);
    const length = check(pread(file.readFd, rest, offset + total), 'read', file.name);
    if (length === 0) break;
    total += length;
  }
  return total;
}
