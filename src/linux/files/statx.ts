/**
 * statx(2), and the record it fills, read in place.
 *
 * The offsets are those of struct statx in include/uapi/linux/stat.h (256 bytes), given here in 32-bit words of a
 * little-endian machine. 64-bit fields become JS numbers: exact to 2^53, which sizes and times never reach; an inode
 * number above that (some network file systems) loses its low bits.
 */

import type { Name } from '../../vfs/name.js';
import { AT_EMPTY_PATH } from '../constants.js';
import { bind, SYS_statx, settle } from '../library.js';
import { emptyName, firstName, putFirst } from '../scratch.js';

const STATX_BYTES = 256;
const TWO_32 = 2 ** 32;
const MINOR_BITS = 20;

const sysStatx = bind<
  (nr: number, dirfd: number, path: Buffer, flags: number, mask: number, out: Uint8Array) => number
>('syscall', 'long', ['long', 'int', 'void *', 'int', 'uint', 'void *']);

/** One result of statx(2); reused from call to call. A field is valid when `mask` has its bit. */
export class Statx {
  readonly bytes = new Uint8Array(STATX_BYTES);
  readonly #words = new Uint32Array(this.bytes.buffer);
  readonly #signed = new Int32Array(this.bytes.buffer);

  get mask(): number {
    return this.#words[0]!;
  }
  get blksize(): number {
    return this.#words[1]!;
  }
  /** STATX_ATTR_* bits. */
  get attributes(): number {
    return this.#wide(2);
  }
  get nlink(): number {
    return this.#words[4]!;
  }
  get uid(): number {
    return this.#words[5]!;
  }
  get gid(): number {
    return this.#words[6]!;
  }
  /** Type and permission bits. */
  get mode(): number {
    return this.#words[7]! & 0xffff;
  }
  get ino(): number {
    return this.#wide(8);
  }
  get sizeBytes(): number {
    return this.#wide(10);
  }
  /** Units of 512 bytes. */
  get blocks(): number {
    return this.#wide(12);
  }
  get atimeSec(): number {
    return this.#wideSigned(16);
  }
  get atimeNsec(): number {
    return this.#words[18]!;
  }
  /** Time of birth; check STATX_BTIME in `mask`. */
  get btimeSec(): number {
    return this.#wideSigned(20);
  }
  get btimeNsec(): number {
    return this.#words[22]!;
  }
  get ctimeSec(): number {
    return this.#wideSigned(24);
  }
  get ctimeNsec(): number {
    return this.#words[26]!;
  }
  get mtimeSec(): number {
    return this.#wideSigned(28);
  }
  get mtimeNsec(): number {
    return this.#words[30]!;
  }
  get rdevMajor(): number {
    return this.#words[32]!;
  }
  get rdevMinor(): number {
    return this.#words[33]!;
  }
  get devMajor(): number {
    return this.#words[34]!;
  }
  get devMinor(): number {
    return this.#words[35]!;
  }
  /** The device that holds the file as one number: major * 2^20 + minor. */
  get dev(): number {
    return this.#words[34]! * 2 ** MINOR_BITS + this.#words[35]!;
  }
  /** Id of the mount; check STATX_MNT_ID or STATX_MNT_ID_UNIQUE in `mask`. */
  get mountId(): number {
    return this.#wide(36);
  }

  /** Takes the place of what the kernel said; `mode` with its type. */
  setOwnerAndMode(uid: number, gid: number, mode: number): void {
    this.#words[5] = uid;
    this.#words[6] = gid;
    this.#words[7] = mode;
  }

  /** Small numbers are small integers from the start: a field of a node that holds one takes 16 bytes less (V8). */
  #wide(word: number): number {
    const high = this.#words[word + 1]!;
    return high === 0 ? this.#words[word]! : high * TWO_32 + this.#words[word]!;
  }

  #wideSigned(word: number): number {
    return this.#signed[word + 1]! * TWO_32 + this.#words[word]!;
  }
}

/** statx(2); follows a symlink in the last component unless flags have AT_SYMLINK_NOFOLLOW. */
export function statx(dirfd: number, path: Name, flags: number, mask: number, out: Statx): number {
  const problem = putFirst(path);
  if (problem < 0) return problem;
  return settle(sysStatx(SYS_statx, dirfd, firstName, flags, mask, out.bytes));
}

/** statx(2) of what a descriptor names; O_PATH descriptors, of symlinks too, are good. */
export function fstatx(fd: number, mask: number, out: Statx): number {
  return settle(sysStatx(SYS_statx, fd, emptyName, AT_EMPTY_PATH, mask, out.bytes));
}
