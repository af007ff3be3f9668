/**
 * Directories that exist only because something is mounted below them: read-only, in memory, made at mount time.
 *
 * They leave nothing in layers, upper or host directories.
 */

import { EINVAL, EISDIR, ENODATA, EROFS, ESTALE } from '../../errno/errno.js';
import { fsError } from '../../errno/fs-error.js';
import { DT_DIR, S_IFDIR } from '../../linux/constants.js';
import { type Attr, Entry, type StatFs, TTL_FOREVER } from '../../vfs/attr.js';
import type { DirentSink } from '../../vfs/file-system.js';
import type { NodeId } from '../../vfs/node-id.js';
import { RefusingFileSystem } from '../remote/refusing-file-system.js';

/** Inode numbers above all that devices have: see vfs/inode-numbers.ts. */
const FIRST_INODE = 2 ** 52 + 2 ** 51;

interface VirtualDirectory {
  readonly parentIno: number;
}

/** All that is known of them: a process that goes on has the same. */
export interface VirtualState {
  readonly directories: readonly VirtualDirectory[];
  readonly bornSec: number;
}

const nothing = new Entry();

/** Holds no names of its own: those are mount points, which the mount table adds. */
export class VirtualDirectories extends RefusingFileSystem {
  readonly #directories: VirtualDirectory[] = [];
  #bornSec = Math.floor(Date.now() / 1000);
  readonly #statfs: (out: StatFs) => void;

  /** @param statfs what statfs of such a directory shows. */
  constructor(statfs: (out: StatFs) => void) {
    super(EROFS);
    this.#statfs = statfs;
  }

  /** @returns the id of a new directory. */
  make(parentIno: number): NodeId {
    return this.#directories.push({ parentIno }) as NodeId;
  }

  get state(): VirtualState {
    return { directories: this.#directories, bornSec: this.#bornSec };
  }

  /** PRECONDITION: none was made. */
  restore({ directories, bornSec }: VirtualState): void {
    this.#directories.push(...directories);
    this.#bornSec = bornSec;
  }

  lookup(_parent: NodeId, _name: string, out: Entry): boolean {
    out.ttlMs = TTL_FOREVER;
    return false;
  }

  forget(): void {
    // The directories live as long as the mount.
  }

  getattr(node: NodeId, _handle: number | undefined, out: Attr): void {
    if (this.#directories[node - 1] === undefined) throw fsError(ESTALE, 'getattr');
    out.ino = FIRST_INODE + node;
    out.mode = S_IFDIR | 0o755;
    out.nlink = 1;
    out.uid = process.geteuid?.() ?? 0;
    out.gid = process.getegid?.() ?? 0;
    out.rdevMajor = 0;
    out.rdevMinor = 0;
    out.sizeBytes = 4096;
    out.blocks = 0;
    out.blksize = 4096;
    out.atimeSec = this.#bornSec;
    out.mtimeSec = this.#bornSec;
    out.ctimeSec = this.#bornSec;
    out.atimeNsec = 0;
    out.mtimeNsec = 0;
    out.ctimeNsec = 0;
    out.ttlMs = TTL_FOREVER;
  }

  override readdir(node: NodeId, offset: number, sink: DirentSink): void {
    const parentIno = this.#directories[node - 1]?.parentIno ?? 0;
    for (const [position, name, ino] of [
      [1, '.', FIRST_INODE + node],
      [2, '..', parentIno],
    ] as const) {
      if (offset >= position) continue;
      if (!sink.fits(name.length)) return;
      if (sink.plus) sink.addPlus(name, nothing, DT_DIR, position);
      else sink.add(name, ino, DT_DIR, position);
    }
  }

  override statfs(_node: NodeId, out: StatFs): void {
    this.#statfs(out);
  }

  override getxattr(): undefined {
    return undefined;
  }

  override listxattr(): Uint8Array {
    return new Uint8Array(0);
  }

  override fsyncdir(): void {
    // Nothing to write.
  }

  override readlink(): never {
    throw fsError(EINVAL, 'readlink');
  }

  override open(): never {
    throw fsError(EISDIR, 'open');
  }

  override removexattr(): never {
    throw fsError(ENODATA, 'removexattr');
  }
}
