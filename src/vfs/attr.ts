/**
 * What a file system says of a node: attributes, and the entry that a lookup or a create gives.
 *
 * All of these are mutable records that the engine owns and the file system fills: one of each is reused for every
 * request, because an object a request costs more than the field writes do. Times are whole seconds (signed, so that
 * dates before 1970 hold) beside nanoseconds 0..999,999,999. `rdev` is major and minor apart, as statx(2) gives it.
 */

import type { NodeId } from './node-id.js';

/** A time to live that never ends: the kernel may keep the answer until told otherwise. */
export const TTL_FOREVER = Number.MAX_SAFE_INTEGER;

export class Attr {
  ino = 0;
  /** Type and permission bits, as st_mode. */
  mode = 0;
  nlink = 0;
  uid = 0;
  gid = 0;
  rdevMajor = 0;
  rdevMinor = 0;
  sizeBytes = 0;
  /** Units of 512 bytes. */
  blocks = 0;
  blksize = 4096;
  atimeSec = 0;
  atimeNsec = 0;
  mtimeSec = 0;
  mtimeNsec = 0;
  ctimeSec = 0;
  ctimeNsec = 0;
  /** Time of birth, where `hasBtime`. */
  btimeSec = 0;
  btimeNsec = 0;
  hasBtime = false;
  /** How long the kernel may answer from its cache; 0 asks each time. */
  ttlMs = 0;
}

export class Entry {
  nodeId = 0 as NodeId;
  generation = 0;
  /** How long the kernel may trust the name; for a name that does not exist, how long it may trust that. */
  ttlMs = 0;
  readonly attr = new Attr();
}

/** What open and create answer beside the entry. */
export class Opened {
  /** Chosen by the file system; comes back in read, write, release and the rest. */
  handle = 0;
  /** Id of the backing file that the kernel reads and writes itself; 0 for none. */
  backingId = 0;
  /** The kernel may keep what it has cached of the file. */
  keepCache = true;
  /** Reads and writes are to come to the file system one by one, uncached. */
  directIo = false;
  /** No flush request is wanted at close. */
  noFlush = true;

  reset(): void {
    this.handle = 0;
    this.backingId = 0;
    this.keepCache = true;
    this.directIo = false;
    this.noFlush = true;
  }
}

/** statvfs(3), in units of `frsize`. */
export class StatFs {
  bsize = 4096;
  frsize = 4096;
  blocks = 0;
  bfree = 0;
  bavail = 0;
  files = 0;
  ffree = 0;
  nameMax = 255;
}
