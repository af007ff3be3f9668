/**
 * Requests about attributes: GETATTR, SETATTR, STATX.
 *
 * Times are signed whole seconds beside nanoseconds, as in vfs/attr.ts.
 */

import { SIZEOF_GETATTR_IN, SIZEOF_SETATTR_IN, SIZEOF_STATX_IN } from '../abi/abi.js';
import { FUSE_GETATTR_FH } from '../abi/abi-flags.js';
import { readI64, readU64 } from '../abi/integers.js';
import { BODY, needBody, type RequestView } from './request.js';

export class GetattrIn {
  /** FUSE_GETATTR_*. */
  flags = 0;
  /** Undefined unless the request names an open handle. */
  handle: number | undefined;
}

export function decodeGetattr(request: RequestView, out: GetattrIn): void {
  needBody(request, SIZEOF_GETATTR_IN);
  const flags = request.view.getUint32(BODY, true);
  out.flags = flags;
  out.handle = (flags & FUSE_GETATTR_FH) === 0 ? undefined : readU64(request.view, BODY + 8);
}

/** All fields raw: `valid` (FATTR_*) says which of them mean something. */
export class SetattrIn {
  valid = 0;
  handle = 0;
  size = 0;
  lockOwnerLow = 0;
  lockOwnerHigh = 0;
  atimeSec = 0;
  mtimeSec = 0;
  ctimeSec = 0;
  atimeNsec = 0;
  mtimeNsec = 0;
  ctimeNsec = 0;
  mode = 0;
  uid = 0;
  gid = 0;
}

export function decodeSetattr(request: RequestView, out: SetattrIn): void {
  needBody(request, SIZEOF_SETATTR_IN);
  const { view } = request;
  out.valid = view.getUint32(BODY, true);
  out.handle = readU64(view, BODY + 8);
  out.size = readU64(view, BODY + 16);
  out.lockOwnerLow = view.getUint32(BODY + 24, true);
  out.lockOwnerHigh = view.getUint32(BODY + 28, true);
  out.atimeSec = readI64(view, BODY + 32);
  out.mtimeSec = readI64(view, BODY + 40);
  out.ctimeSec = readI64(view, BODY + 48);
  out.atimeNsec = view.getUint32(BODY + 56, true);
  out.mtimeNsec = view.getUint32(BODY + 60, true);
  out.ctimeNsec = view.getUint32(BODY + 64, true);
  out.mode = view.getUint32(BODY + 68, true);
  out.uid = view.getUint32(BODY + 76, true);
  out.gid = view.getUint32(BODY + 80, true);
}

export class StatxIn {
  /** FUSE_GETATTR_*. */
  flags = 0;
  /** Undefined unless the request names an open handle. */
  handle: number | undefined;
  /** AT_STATX_*. */
  statxFlags = 0;
  /** STATX_* bits that the caller wants. */
  mask = 0;
}

export function decodeStatx(request: RequestView, out: StatxIn): void {
  needBody(request, SIZEOF_STATX_IN);
  const { view } = request;
  const flags = view.getUint32(BODY, true);
  out.flags = flags;
  out.handle = (flags & FUSE_GETATTR_FH) === 0 ? undefined : readU64(view, BODY + 8);
  out.statxFlags = view.getUint32(BODY + 16, true);
  out.mask = view.getUint32(BODY + 20, true);
}
