/**
 * The life of an open file: OPEN, OPENDIR, CREATE, TMPFILE, FLUSH, FSYNC, FSYNCDIR, RELEASE, RELEASEDIR.
 *
 * A directory's request has the record of the file's. Lock owners are two halves because they are 64 scrambled bits.
 */

import type { Name } from '../../vfs/name.js';
import {
  SIZEOF_CREATE_IN,
  SIZEOF_FLUSH_IN,
  SIZEOF_FSYNC_IN,
  SIZEOF_OPEN_IN,
  SIZEOF_RELEASE_IN,
} from '../abi/abi.js';
import { readU64 } from '../abi/integers.js';
import { BODY, needBody, type RequestView, readName } from './request.js';

export class OpenIn {
  /** O_*. */
  flags = 0;
  /** FUSE_OPEN_*. */
  openFlags = 0;
}

/** OPEN and OPENDIR. */
export function decodeOpen(request: RequestView, out: OpenIn): void {
  needBody(request, SIZEOF_OPEN_IN);
  out.flags = request.view.getUint32(BODY, true);
  out.openFlags = request.view.getUint32(BODY + 4, true);
}

export class CreateIn {
  /** O_*. */
  flags = 0;
  mode = 0;
  umask = 0;
  /** FUSE_OPEN_*. */
  openFlags = 0;
  name: Name = '';
}

export function decodeCreate(request: RequestView, out: CreateIn): void {
  decodeTmpfile(request, out);
  out.name = readName(request, BODY + SIZEOF_CREATE_IN);
}

export class TmpfileIn {
  flags = 0;
  mode = 0;
  umask = 0;
  openFlags = 0;
}

/** The name that the kernel puts behind the record is its own `/` or `#inode` and says nothing, so it is not read. */
export function decodeTmpfile(request: RequestView, out: TmpfileIn): void {
  needBody(request, SIZEOF_CREATE_IN);
  const { view } = request;
  out.flags = view.getUint32(BODY, true);
  out.mode = view.getUint32(BODY + 4, true);
  out.umask = view.getUint32(BODY + 8, true);
  out.openFlags = view.getUint32(BODY + 12, true);
}

export class FlushIn {
  handle = 0;
  lockOwnerLow = 0;
  lockOwnerHigh = 0;
}

export function decodeFlush(request: RequestView, out: FlushIn): void {
  needBody(request, SIZEOF_FLUSH_IN);
  out.handle = readU64(request.view, BODY);
  out.lockOwnerLow = request.view.getUint32(BODY + 16, true);
  out.lockOwnerHigh = request.view.getUint32(BODY + 20, true);
}

export class FsyncIn {
  handle = 0;
  /** FUSE_FSYNC_*. */
  fsyncFlags = 0;
}

/** FSYNC and FSYNCDIR. */
export function decodeFsync(request: RequestView, out: FsyncIn): void {
  needBody(request, SIZEOF_FSYNC_IN);
  out.handle = readU64(request.view, BODY);
  out.fsyncFlags = request.view.getUint32(BODY + 8, true);
}

export class ReleaseIn {
  handle = 0;
  /** O_* of the open. */
  flags = 0;
  /** FUSE_RELEASE_*. */
  releaseFlags = 0;
  lockOwnerLow = 0;
  lockOwnerHigh = 0;
}

/** RELEASE and RELEASEDIR. */
export function decodeRelease(request: RequestView, out: ReleaseIn): void {
  needBody(request, SIZEOF_RELEASE_IN);
  const { view } = request;
  out.handle = readU64(view, BODY);
  out.flags = view.getUint32(BODY + 8, true);
  out.releaseFlags = view.getUint32(BODY + 12, true);
  out.lockOwnerLow = view.getUint32(BODY + 16, true);
  out.lockOwnerHigh = view.getUint32(BODY + 20, true);
}
