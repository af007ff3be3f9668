/**
 * Requests about content: READ, READDIR, READDIRPLUS, WRITE, FALLOCATE, LSEEK, COPY_FILE_RANGE(_64).
 *
 * Data is not copied: `dataStart` and `dataLength` say where it lies in the request's buffer, valid until that buffer
 * is read into again.
 */

import type { CopyEnd, FallocateRange } from '../../vfs/file-system.js';
import type { NodeId } from '../../vfs/node-id.js';
import {
  SIZEOF_COPY_FILE_RANGE_IN,
  SIZEOF_FALLOCATE_IN,
  SIZEOF_LSEEK_IN,
  SIZEOF_READ_IN,
  SIZEOF_WRITE_IN,
} from '../abi/abi.js';
import { readI64, readNode, readU64 } from '../abi/integers.js';
import { BODY, needBody, needData, type RequestView } from './request.js';

export class ReadIn {
  handle = 0;
  /** In a directory the `nextOffset` of the entry before, 0 for the first. */
  offset = 0;
  size = 0;
  /** FUSE_READ_*. */
  readFlags = 0;
  lockOwnerLow = 0;
  lockOwnerHigh = 0;
  /** O_* of the descriptor. */
  flags = 0;
}

/** READ, READDIR and READDIRPLUS. */
export function decodeRead(request: RequestView, out: ReadIn): void {
  needBody(request, SIZEOF_READ_IN);
  const { view } = request;
  out.handle = readU64(view, BODY);
  out.offset = readU64(view, BODY + 8);
  out.size = view.getUint32(BODY + 16, true);
  out.readFlags = view.getUint32(BODY + 20, true);
  out.lockOwnerLow = view.getUint32(BODY + 24, true);
  out.lockOwnerHigh = view.getUint32(BODY + 28, true);
  out.flags = view.getUint32(BODY + 32, true);
}

export class WriteIn {
  handle = 0;
  offset = 0;
  dataStart = 0;
  dataLength = 0;
  /** FUSE_WRITE_*. */
  writeFlags = 0;
  lockOwnerLow = 0;
  lockOwnerHigh = 0;
  /** O_* of the descriptor. */
  flags = 0;
}

export function decodeWrite(request: RequestView, out: WriteIn): void {
  needBody(request, SIZEOF_WRITE_IN);
  const { view } = request;
  const size = view.getUint32(BODY + 16, true);
  needData(request, BODY + SIZEOF_WRITE_IN, size);
  out.handle = readU64(view, BODY);
  out.offset = readU64(view, BODY + 8);
  out.dataStart = BODY + SIZEOF_WRITE_IN;
  out.dataLength = size;
  out.writeFlags = view.getUint32(BODY + 20, true);
  out.lockOwnerLow = view.getUint32(BODY + 24, true);
  out.lockOwnerHigh = view.getUint32(BODY + 28, true);
  out.flags = view.getUint32(BODY + 32, true);
}

export class FallocateIn implements FallocateRange {
  handle = 0;
  offset = 0;
  length = 0;
  /** FALLOC_FL_*. */
  mode = 0;
  /** Not in the record: set from the header. */
  killPriv = false;
}

export function decodeFallocate(request: RequestView, out: FallocateIn): void {
  needBody(request, SIZEOF_FALLOCATE_IN);
  const { view } = request;
  out.handle = readU64(view, BODY);
  out.offset = readU64(view, BODY + 8);
  out.length = readU64(view, BODY + 16);
  out.mode = view.getUint32(BODY + 24, true);
}

export class LseekIn {
  handle = 0;
  /** May be negative. */
  offset = 0;
  whence = 0;
}

export function decodeLseek(request: RequestView, out: LseekIn): void {
  needBody(request, SIZEOF_LSEEK_IN);
  out.handle = readU64(request.view, BODY);
  out.offset = readI64(request.view, BODY + 8);
  out.whence = request.view.getUint32(BODY + 16, true);
}

class CopyEndIn implements CopyEnd {
  node = 0 as NodeId;
  handle = 0;
  offset = 0;
  /** Not in the record: set from the header. */
  killPriv = false;
}

export class CopyFileRangeIn {
  /** Its node is that of the request's header. */
  readonly source = new CopyEndIn();
  readonly target = new CopyEndIn();
  length = 0;
  flags = 0;
}

/** COPY_FILE_RANGE and COPY_FILE_RANGE_64, which differ in their replies alone. */
export function decodeCopyFileRange(request: RequestView, out: CopyFileRangeIn): void {
  needBody(request, SIZEOF_COPY_FILE_RANGE_IN);
  const { view } = request;
  const { source, target } = out;
  source.node = readNode(view, 16);
  source.handle = readU64(view, BODY);
  source.offset = readU64(view, BODY + 8);
  target.node = readNode(view, BODY + 16);
  target.handle = readU64(view, BODY + 24);
  target.offset = readU64(view, BODY + 32);
  out.length = readU64(view, BODY + 40);
  out.flags = readU64(view, BODY + 48);
}
