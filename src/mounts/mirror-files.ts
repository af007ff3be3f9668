/** Open files of a mirrored directory: files/open-files.ts over the mirror's nodes, with the quota of a limited one. */

import { EINVAL } from '../errno/errno.js';
import { check, fsError } from '../errno/fs-error.js';
import { OpenFiles } from '../files/open-files.js';
import { hasCapabilityAt, killPrivilegesAt, openAt } from '../files/real-object.js';
import {
  AT_EMPTY_PATH,
  FALLOC_FL_KEEP_SIZE,
  O_WRONLY,
  S_IFMT,
  S_IFREG,
  STATX_BASIC_STATS,
} from '../linux/constants.js';
import { ftruncate } from '../linux/inode.js';
import { close } from '../linux/open.js';
import { Statx, statx } from '../linux/statx.js';
import type { FallocateRange, WriteData } from '../vfs/file-system.js';
import type { MirrorFileSystem } from './mirror-file-system.js';
import type { MirrorNode } from './mirror-node.js';
import type { Quota } from './quota.js';

/** A backing file of a bind goes with the last release: kept, it would hold what the host deletes. */
const KEPT_BACKINGS = -1;

export class MirrorFiles extends OpenFiles<MirrorNode> {
  readonly #mirror: MirrorFileSystem;
  readonly #quota: Quota | undefined;
  readonly #stat = new Statx();

  constructor(mirror: MirrorFileSystem, quota: Quota | undefined) {
    super(
      {
        open: (node, flags) => check(openAt(mirror.table.descriptor(node), '', flags), 'open', node.name),
        hasCapability: (node) => hasCapabilityAt(mirror.table.descriptor(node), ''),
        killPrivileges: (node) => this.killPrivileges(node),
      },
      KEPT_BACKINGS,
    );
    this.#mirror = mirror;
    this.#quota = quota;
  }

  killPrivileges(node: MirrorNode): void {
    this.#mirror.statNode(node);
    node.mode = killPrivilegesAt(this.#mirror.table.descriptor(node), '', this.#mirror.stat.mode);
    node.hasCapability = false;
  }

  truncate(node: MirrorNode, sizeBytes: number): void {
    if ((node.mode & S_IFMT) !== S_IFREG) throw fsError(EINVAL, 'truncate', node.name);
    const fd = openAt(this.#mirror.table.descriptor(node), '', O_WRONLY);
    check(fd, 'truncate', node.name);
    try {
      this.#counted(fd, 0, () => check(ftruncate(fd, sizeBytes), 'truncate', node.name));
    } finally {
      close(fd);
    }
  }

  override write(node: MirrorNode, data: WriteData): number {
    if (this.#quota === undefined) return super.write(node, data);
    return this.#counted(this.writeDescriptor(node), data.offset + data.bytes.length, () =>
      super.write(node, data),
    );
  }

  override fallocate(node: MirrorNode, range: FallocateRange): void {
    if (this.#quota === undefined) {
      super.fallocate(node, range);
      return;
    }
    const grows = (range.mode & ~FALLOC_FL_KEEP_SIZE) === 0;
    const end = grows ? range.offset + range.length : 0;
    this.#counted(this.writeDescriptor(node), end, () => super.fallocate(node, range));
  }

  /** Runs a change of a file that may then hold data up to `end`, and counts what it took. */
  #counted<T>(fd: number, end: number, change: () => T): T {
    const quota = this.#quota;
    if (quota === undefined) return change();
    const before = this.#blockBytes(fd);
    quota.assertRoom(end - Math.max(before, this.#stat.sizeBytes));
    const result = change();
    quota.take(this.#blockBytes(fd) - before);
    return result;
  }

  #blockBytes(fd: number): number {
    check(statx(fd, '', AT_EMPTY_PATH, STATX_BASIC_STATS, this.#stat), 'statx');
    return this.#stat.blocks * 512;
  }
}
