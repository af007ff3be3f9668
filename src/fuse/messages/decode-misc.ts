/**
 * Requests about the session and the rest: INIT, INTERRUPT, IOCTL.
 *
 * READLINK, STATFS and DESTROY have no body and need no decoder. What the kernel never sends here has none: ACCESS (it checks
 * permissions itself), BMAP and SYNCFS (type fuseblk alone), locks (not asked for in INIT), POLL (answered ENOSYS, once).
 */

import { SIZEOF_INIT_IN_SHORT, SIZEOF_INTERRUPT_IN, SIZEOF_IOCTL_IN } from '../abi/abi.js';
import { FUSE_INIT_EXT } from '../abi/abi-flags.js';
import { readU64 } from '../abi/integers.js';
import { BODY, malformed, needBody, needData, type RequestView } from './request.js';

export class InitIn {
  major = 0;
  minor = 0;
  maxReadahead = 0;
  flags = 0;
  /** 0 unless `flags` has FUSE_INIT_EXT. */
  flags2 = 0;
}

/** Takes the 64-byte record, the 16 bytes of kernels before 5.17 and the 8 bytes that a version alone needs. */
export function decodeInit(request: RequestView, out: InitIn): void {
  needBody(request, 8);
  const { view } = request;
  const sizeBytes = request.end - BODY;
  if (sizeBytes > 8) needBody(request, SIZEOF_INIT_IN_SHORT);
  const flags = sizeBytes === 8 ? 0 : view.getUint32(BODY + 12, true);
  const extended = (flags & FUSE_INIT_EXT) !== 0;
  if (extended && sizeBytes < SIZEOF_INIT_IN_SHORT + 4) throw malformed(request);
  out.major = view.getUint32(BODY, true);
  out.minor = view.getUint32(BODY + 4, true);
  out.maxReadahead = sizeBytes === 8 ? 0 : view.getUint32(BODY + 8, true);
  out.flags = flags;
  out.flags2 = extended ? view.getUint32(BODY + 16, true) : 0;
}

/** The unique of the request to be interrupted. */
export class InterruptIn {
  uniqueLow = 0;
  uniqueHigh = 0;
}

export function decodeInterrupt(request: RequestView, out: InterruptIn): void {
  needBody(request, SIZEOF_INTERRUPT_IN);
  out.uniqueLow = request.view.getUint32(BODY, true);
  out.uniqueHigh = request.view.getUint32(BODY + 4, true);
}

export class IoctlIn {
  handle = 0;
  /** FUSE_IOCTL_*. */
  flags = 0;
  cmd = 0;
  /** The caller's argument, mostly an address. */
  arg = 0;
  dataStart = 0;
  dataLength = 0;
  /** Most bytes of data in the answer. */
  outSize = 0;
}

export function decodeIoctl(request: RequestView, out: IoctlIn): void {
  needBody(request, SIZEOF_IOCTL_IN);
  const { view } = request;
  const size = view.getUint32(BODY + 24, true);
  needData(request, BODY + SIZEOF_IOCTL_IN, size);
  out.handle = readU64(view, BODY);
  out.flags = view.getUint32(BODY + 8, true);
  out.cmd = view.getUint32(BODY + 12, true);
  out.arg = readU64(view, BODY + 16);
  out.dataStart = BODY + SIZEOF_IOCTL_IN;
  out.dataLength = size;
  out.outSize = view.getUint32(BODY + 28, true);
}
