/**
 * What a session agrees on with the kernel: INIT's offer, what plyfs asks for, the answer (fuse_init_out, protocol 7.45).
 *
 * INVARIANT: every flag of the answer was offered. Features are read from what was obtained, never from the version.
 */

import { EPROTO } from '../errno/errno.js';
import { fsError } from '../errno/fs-error.js';
import { FUSE_KERNEL_MINOR_VERSION, FUSE_KERNEL_VERSION, SIZEOF_INIT_OUT } from './abi/abi.js';
import * as flag from './abi/abi-flags.js';
import type { InitIn } from './messages/decode-misc.js';
import { REPLY_BODY, type ReplyBuffer } from './messages/reply.js';

/** Kernel 5.4. Older ones know records of other sizes. */
const OLDEST_MINOR = 31;

const MAX_WRITE = 1024 * 1024;
/** The kernel takes the smaller of this and what its device for the mount has (engine/kernel/read-ahead.ts). */
const MAX_READAHEAD = 1024 * 1024;
const MAX_PAGES = 256;
/** What a request holds where FUSE_MAX_PAGES was not offered: 32 pages. */
const MAX_WRITE_UNASKED = 128 * 1024;
const MAX_BACKGROUND = 64;
const CONGESTION_THRESHOLD = 48;
/** fs.h:FILESYSTEM_MAX_STACK_DEPTH; the kernel ignores passthrough with a larger depth. */
const DEEPEST_STACK = 2;

/** Wanted always. Missing on purpose: see the README's Decisions. */
const WANTED =
  flag.FUSE_ASYNC_READ |
  flag.FUSE_ATOMIC_O_TRUNC |
  flag.FUSE_BIG_WRITES |
  flag.FUSE_DONT_MASK |
  flag.FUSE_AUTO_INVAL_DATA |
  flag.FUSE_DO_READDIRPLUS |
  flag.FUSE_READDIRPLUS_AUTO |
  flag.FUSE_ASYNC_DIO |
  flag.FUSE_PARALLEL_DIROPS |
  flag.FUSE_POSIX_ACL |
  flag.FUSE_ABORT_ERROR |
  flag.FUSE_MAX_PAGES |
  flag.FUSE_CACHE_SYMLINKS |
  flag.FUSE_NO_OPENDIR_SUPPORT |
  flag.FUSE_HANDLE_KILLPRIV_V2 |
  flag.FUSE_SETXATTR_EXT;

const WANTED_2 =
  flag.FUSE_HAS_EXPIRE_ONLY_2 |
  flag.FUSE_DIRECT_IO_ALLOW_MMAP_2 |
  flag.FUSE_NO_EXPORT_SUPPORT_2 |
  flag.FUSE_HAS_RESEND_2;

export interface SessionLimits {
  /** Hand opened files to the kernel; needs CAP_SYS_ADMIN, so ask only with it. */
  readonly passthrough: boolean;
  /** How many stacked file systems lie below a backing file, ours included: 1, or 2 over an overlay. */
  readonly maxStackDepth: number;
  /** Let the kernel gather writes. Given up where passthrough is obtained: the kernel allows one of the two. */
  readonly writeback: boolean;
}

/** What was obtained, by name. */
export interface Negotiated {
  readonly passthrough: boolean;
  readonly writeback: boolean;
  readonly readdirplus: boolean;
  readonly parallelDirops: boolean;
  readonly cacheSymlinks: boolean;
  readonly posixAcl: boolean;
  /** Write, truncate and chown tell when set-id bits are to go. */
  readonly killprivV2: boolean;
  /** The long form of SETXATTR: decodeSetxattr's parameter. */
  readonly setxattrExt: boolean;
  readonly atomicTruncate: boolean;
  /** ENOSYS to OPENDIR means: never ask again. */
  readonly noOpendir: boolean;
  /** FUSE_EXPIRE_ONLY in encodeInvalEntry. */
  readonly expireOnly: boolean;
  readonly directIoMmap: boolean;
  /** encodeResend is understood. */
  readonly resend: boolean;
}

interface InitOut {
  readonly major: number;
  readonly minor: number;
  readonly maxReadahead: number;
  readonly flags: number;
  readonly flags2: number;
  readonly maxBackground: number;
  readonly congestionThreshold: number;
  /** Bytes; the request buffer must hold this and the header and record in front. */
  readonly maxWrite: number;
  readonly timeGran: number;
  readonly maxPages: number;
  /** 0 without passthrough. */
  readonly maxStackDepth: number;
  readonly features: Negotiated;
}

/**
 * Chooses the answer to an INIT.
 * @throws FsError EPROTO for a kernel whose protocol is not 7.31 or later.
 */
export function negotiate(offer: InitIn, limits: SessionLimits): InitOut {
  if (offer.major !== FUSE_KERNEL_VERSION || offer.minor < OLDEST_MINOR) {
    throw fsError(
      EPROTO,
      `fuse init: the kernel speaks protocol ${offer.major}.${offer.minor}, plyfs needs 7.${OLDEST_MINOR} (Linux 5.4) or later`,
    );
  }
  if (limits.passthrough && !(limits.maxStackDepth >= 1 && limits.maxStackDepth <= DEEPEST_STACK)) {
    throw new RangeError(
      `maxStackDepth of passthrough is ${limits.maxStackDepth}, not 1 to ${DEEPEST_STACK}`,
    );
  }
  const offered2 = (offer.flags & flag.FUSE_INIT_EXT) === 0 ? 0 : offer.flags2;
  const flags2 = offered2 & (limits.passthrough ? WANTED_2 | flag.FUSE_PASSTHROUGH_2 : WANTED_2);
  const passthrough = (flags2 & flag.FUSE_PASSTHROUGH_2) !== 0;
  const wanted = limits.writeback && !passthrough ? WANTED | flag.FUSE_WRITEBACK_CACHE : WANTED;
  const flags = (offer.flags & wanted) | (flags2 === 0 ? 0 : flag.FUSE_INIT_EXT);
  const largeRequests = (flags & flag.FUSE_MAX_PAGES) !== 0;
  return {
    major: FUSE_KERNEL_VERSION,
    minor: Math.min(offer.minor, FUSE_KERNEL_MINOR_VERSION),
    maxReadahead: MAX_READAHEAD,
    flags,
    flags2,
    maxBackground: MAX_BACKGROUND,
    congestionThreshold: CONGESTION_THRESHOLD,
    maxWrite: largeRequests ? MAX_WRITE : MAX_WRITE_UNASKED,
    timeGran: 1,
    maxPages: largeRequests ? MAX_PAGES : 0,
    maxStackDepth: passthrough ? limits.maxStackDepth : 0,
    features: negotiated(flags, flags2),
  };
}

function negotiated(flags: number, flags2: number): Negotiated {
  return {
    passthrough: (flags2 & flag.FUSE_PASSTHROUGH_2) !== 0,
    writeback: (flags & flag.FUSE_WRITEBACK_CACHE) !== 0,
    readdirplus: (flags & flag.FUSE_DO_READDIRPLUS) !== 0,
    parallelDirops: (flags & flag.FUSE_PARALLEL_DIROPS) !== 0,
    cacheSymlinks: (flags & flag.FUSE_CACHE_SYMLINKS) !== 0,
    posixAcl: (flags & flag.FUSE_POSIX_ACL) !== 0,
    killprivV2: (flags & flag.FUSE_HANDLE_KILLPRIV_V2) !== 0,
    setxattrExt: (flags & flag.FUSE_SETXATTR_EXT) !== 0,
    atomicTruncate: (flags & flag.FUSE_ATOMIC_O_TRUNC) !== 0,
    noOpendir: (flags & flag.FUSE_NO_OPENDIR_SUPPORT) !== 0,
    expireOnly: (flags2 & flag.FUSE_HAS_EXPIRE_ONLY_2) !== 0,
    directIoMmap: (flags2 & flag.FUSE_DIRECT_IO_ALLOW_MMAP_2) !== 0,
    resend: (flags2 & flag.FUSE_HAS_RESEND_2) !== 0,
  };
}

/** The answer's 64 bytes. */
export function encodeInit(reply: ReplyBuffer, out: InitOut): void {
  const { view } = reply;
  reply.bytes.fill(0, REPLY_BODY, REPLY_BODY + SIZEOF_INIT_OUT);
  view.setUint32(REPLY_BODY, out.major, true);
  view.setUint32(REPLY_BODY + 4, out.minor, true);
  view.setUint32(REPLY_BODY + 8, out.maxReadahead, true);
  view.setUint32(REPLY_BODY + 12, out.flags, true);
  view.setUint16(REPLY_BODY + 16, out.maxBackground, true);
  view.setUint16(REPLY_BODY + 18, out.congestionThreshold, true);
  view.setUint32(REPLY_BODY + 20, out.maxWrite, true);
  view.setUint32(REPLY_BODY + 24, out.timeGran, true);
  view.setUint16(REPLY_BODY + 28, out.maxPages, true);
  view.setUint32(REPLY_BODY + 32, out.flags2, true);
  view.setUint32(REPLY_BODY + 36, out.maxStackDepth, true);
  reply.length = REPLY_BODY + SIZEOF_INIT_OUT;
}
