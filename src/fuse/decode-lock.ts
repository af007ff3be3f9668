/**
 * Record locks: GETLK, SETLK, SETLKW; the answer to GETLK is in encode-misc.ts.
 *
 * The kernel sends these only where FUSE_POSIX_LOCKS or FUSE_FLOCK_LOCKS was negotiated.
 */

import { SIZEOF_LK_IN } from './abi.js';
import { readU64 } from './integers.js';
import { BODY, needBody, type RequestView } from './request.js';

export class LockRange {
  start = 0;
  /** Last byte, inclusive; Number.MAX_SAFE_INTEGER stands for the end of any file. */
  end = 0;
  /** F_RDLCK, F_WRLCK, F_UNLCK. */
  type = 0;
  /** Of the process that holds the lock. */
  pid = 0;
}

export class LockIn {
  handle = 0;
  ownerLow = 0;
  ownerHigh = 0;
  readonly range = new LockRange();
  /** FUSE_LK_*. */
  lockFlags = 0;
}

/** GETLK, SETLK and SETLKW. */
export function decodeLock(request: RequestView, out: LockIn): void {
  needBody(request, SIZEOF_LK_IN);
  const { view } = request;
  const { range } = out;
  out.handle = readU64(view, BODY);
  out.ownerLow = view.getUint32(BODY + 8, true);
  out.ownerHigh = view.getUint32(BODY + 12, true);
  range.start = readU64(view, BODY + 16);
  range.end = readU64(view, BODY + 24);
  range.type = view.getUint32(BODY + 32, true);
  range.pid = view.getUint32(BODY + 36, true);
  out.lockFlags = view.getUint32(BODY + 40, true);
}
