/** Open files of a mirrored directory: realfs/open-files.ts over the mirror's nodes, with the quota of a limited one. */

import { EACCES, EAGAIN, EINVAL, ENOSPC, EPERM } from '../../errno/errno.js';
import { check, fsError } from '../../errno/fs-error.js';
import {
  AT_EMPTY_PATH,
  FALLOC_FL_KEEP_SIZE,
  O_ACCMODE,
  O_APPEND,
  O_DSYNC,
  O_NOATIME,
  O_NONBLOCK,
  O_RDONLY,
  O_WRONLY,
  S_IFMT,
  S_IFREG,
  STATX_BASIC_STATS,
} from '../../linux/constants.js';
import { append, fdatasync } from '../../linux/files/data.js';
import { close, dup } from '../../linux/files/open.js';
import { fstatfs, StatFsResult } from '../../linux/files/statfs.js';
import { Statx, statx } from '../../linux/files/statx.js';
import type { WriteGate } from '../../realfs/disk/write-gate.js';
import type { HeldDescriptors } from '../../realfs/held-descriptors.js';
import { type CopyEndpoint, OpenFiles } from '../../realfs/open-files.js';
import { openStateOf } from '../../realfs/open-state.js';
import { hasCapabilityAt, killPrivilegesAt, openAt } from '../../realfs/real-object.js';
import { QUICK_TO_FREE_BYTES, truncateFile } from '../../realfs/truncate-file.js';
import type { FallocateRange, WriteData } from '../../vfs/file-system.js';
import type { MirrorFileSystem } from './mirror-file-system.js';
import type { MirrorNode } from './mirror-node.js';
import type { Quota } from './quota.js';

/** A backing file of a bind goes with the last release: kept, it would hold what the host deletes. */
const KEPT_BACKINGS = -1;

export class MirrorFiles extends OpenFiles<MirrorNode> {
  readonly #mirror: MirrorFileSystem;
  readonly #quota: Quota | undefined;
  readonly #stat = new Statx();
  readonly #statfs = new StatFsResult();

  constructor(mirror: MirrorFileSystem, quota: Quota | undefined, held: HeldDescriptors) {
    super(
      {
        open: (node, flags) => check(this.#openNow(node, flags), 'open', node.name),
        openMetadata: () => -1,
        hasCapability: (node) => hasCapabilityAt(mirror.table.descriptor(node), ''),
        killPrivileges: (node) => this.killPrivileges(node),
        diskOf: (node) => mirror.table.descriptor(node),
        follows: () => false,
        opensLate: false,
        reopens: true,
      },
      KEPT_BACKINGS,
      held,
    );
    this.#mirror = mirror;
    this.#quota = quota;
  }

  /** Closes the descriptor of a node that goes; it may be the last of a removed file, and to free a large one takes long. */
  closeForGood(node: MirrorNode, gate: WriteGate): void {
    this.closeAll(node);
    const { session } = this;
    if (!node.removed || node.isDirectory || node.fd < 0 || session === undefined) return;
    const found = statx(node.fd, '', AT_EMPTY_PATH, STATX_BASIC_STATS, this.#stat);
    if (gate.isOpen && found === 0 && this.#stat.sizeBytes <= QUICK_TO_FREE_BYTES) return;
    session.startJob({ kind: 'close', fd: this.#mirror.table.takeDescriptor(node) });
  }

  /** Opens a file for what its openers were allowed already, whatever its mode became. */
  #openNow(node: MirrorNode, flags: number): number {
    const fd = this.#mirror.table.descriptor(node);
    const opened = openAt(fd, '', flags);
    // As the caller first: storage with users of its own may know him and not us.
    return opened === -EACCES || opened === -EPERM
      ? this.#mirror.asSelf(() => openAt(fd, '', flags))
      : opened;
  }

  /**
   * Opens the file as the caller does, so that the host decides: by its mode and ACL of now, by what chattr(1) and a file
   * system with users of its own say. The descriptor is kept where reads and writes come here.
   */
  openAsCaller(node: MirrorNode, flags: number): void {
    const asked = flags & (O_ACCMODE | O_APPEND | O_NOATIME);
    // Without waiting for a lease that somebody holds (EAGAIN): the kernel's own open does that.
    const fd = openAt(this.#mirror.table.descriptor(node), '', asked | O_NONBLOCK);
    if (fd === -EAGAIN) return;
    check(fd, 'open', node.name);
    const state = openStateOf(node);
    const isBacked = this.session?.passthrough === true && !state.refusesBacking;
    const access = asked & O_ACCMODE;
    if (!isBacked && access === O_RDONLY && state.readFd < 0) state.readFd = fd;
    else if (!isBacked && access !== O_RDONLY && (asked & O_APPEND) === 0 && state.writeFd < 0)
      state.writeFd = fd;
    else close(fd);
  }

  killPrivileges(node: MirrorNode): void {
    this.#mirror.statNode(node);
    const { mode, gid } = this.#mirror.stat;
    const writer = this.session?.caller;
    const fd = this.#mirror.table.descriptor(node);
    node.mode = this.#mirror.asSelf(() => killPrivilegesAt(fd, '', { mode, gid, writer }));
    if (node.openState !== undefined) node.openState.hasCapability = false;
    if (node.mode !== mode) this.session?.invalidateAttributes(node.id);
  }

  /**
   * Whether an empty file is one whose content the kernel makes as it is read, as in /proc: reads must then come to us,
   * since those that the kernel serves itself end at the size. Its file system has no blocks.
   */
  isGenerated(node: MirrorNode): boolean {
    if ((node.mode & S_IFMT) !== S_IFREG) return false;
    check(fstatfs(this.#mirror.table.descriptor(node), this.#statfs), 'statfs', node.name);
    return this.#statfs.blocks === 0;
  }

  /** Sets the size as the caller, or through the open file that he has. */
  truncate(node: MirrorNode, sizeBytes: number, handle: number | undefined): void {
    if ((node.mode & S_IFMT) !== S_IFREG) throw fsError(EINVAL, 'truncate', node.name);
    const writeFd = node.openState?.writeFd ?? -1;
    const isOpen = handle !== undefined && writeFd >= 0;
    const fd = isOpen
      ? writeFd
      : handle === undefined
        ? openAt(this.#mirror.table.descriptor(node), '', O_WRONLY)
        : this.#openNow(node, O_WRONLY);
    check(fd, 'truncate', node.name);
    try {
      // What a limit counts must not change in between.
      const session = this.#quota === undefined ? this.session : undefined;
      this.#counted(fd, () => check(truncateFile(session, fd, sizeBytes), 'truncate', node.name));
    } finally {
      if (!isOpen) close(fd);
    }
  }

  override write(node: MirrorNode, data: WriteData, handle: number): number {
    const quota = this.#quota;
    if (quota === undefined) {
      const isShared = this.#mirror.ttlMs === 0;
      return isShared && (data.flags & O_APPEND) !== 0
        ? this.#append(node, data)
        : super.write(node, data, handle);
    }
    const fd = this.writeDescriptor(node);
    const fitting = roomFor(quota.fits(fd, data.offset, data.bytes.length), data.bytes.length);
    const bytes = data.bytes.subarray(0, fitting);
    return this.#counted(fd, () => super.write(node, { ...data, bytes }, handle));
  }

  /** The kernel takes the end of the file from what it knows of its size, which others may have changed since. */
  #append(node: MirrorNode, data: WriteData): number {
    const fd = this.writeDescriptor(node);
    if (data.killPriv) this.killPrivileges(node);
    const length = check(append(fd, data.bytes), 'write', node.name);
    if ((data.flags & O_DSYNC) !== 0) check(fdatasync(fd), 'fsync', node.name);
    return length;
  }

  /** What the storage says when a descriptor is closed: of writes that it has not made until then. */
  flush(node: MirrorNode): void {
    const writeFd = node.openState?.writeFd ?? -1;
    if (writeFd < 0) return;
    check(close(check(dup(writeFd), 'close', node.name)), 'close', node.name);
  }

  override fallocate(node: MirrorNode, range: FallocateRange): void {
    const quota = this.#quota;
    if (quota === undefined) {
      super.fallocate(node, range);
      return;
    }
    const fd = this.writeDescriptor(node);
    const grows = (range.mode & ~FALLOC_FL_KEEP_SIZE) === 0;
    if (grows && quota.fits(fd, range.offset, range.length) < range.length)
      throw fsError(ENOSPC, 'fallocate', node.name);
    this.#counted(fd, () => super.fallocate(node, range));
  }

  override copyRange(
    source: CopyEndpoint<MirrorNode>,
    target: CopyEndpoint<MirrorNode>,
    length: number,
  ): number {
    const quota = this.#quota;
    if (quota === undefined) return super.copyRange(source, target, length);
    const fd = this.writeDescriptor(target.file);
    const fitting = roomFor(quota.fits(fd, target.offset, length), length);
    return this.#counted(fd, () => super.copyRange(source, target, fitting));
  }

  override release(node: MirrorNode, handle: number): void {
    const quota = this.#quota;
    if (quota !== undefined && node.removed && node.openCount === 1) {
      const bytes = this.#blockBytes(this.#mirror.table.descriptor(node));
      if (this.#stat.nlink === 0) quota.give(bytes);
    }
    super.release(node, handle);
  }

  /** The last name of a file went, which held `blocks`: they come back now, or with the last release. */
  unlinked(node: MirrorNode, blocks: number): void {
    if (node.openCount === 0) this.#quota?.give(blocks * 512);
  }

  /** Runs a change of a file, and counts what it took. */
  #counted<T>(fd: number, change: () => T): T {
    const quota = this.#quota;
    if (quota === undefined) return change();
    const before = this.#blockBytes(fd);
    const result = change();
    quota.take(this.#blockBytes(fd) - before);
    return result;
  }

  #blockBytes(fd: number): number {
    check(statx(fd, '', AT_EMPTY_PATH, STATX_BASIC_STATS, this.#stat), 'statx');
    return this.#stat.blocks * 512;
  }
}

/** @throws ENOSPC when nothing of what is to be written fits. */
function roomFor(fitting: number, wanted: number): number {
  if (fitting === 0 && wanted > 0) throw fsError(ENOSPC, 'write');
  return fitting;
}
