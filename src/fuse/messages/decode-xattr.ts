/**
 * Requests about extended attributes: SETXATTR, GETXATTR, LISTXATTR. REMOVEXATTR is decodeName.
 */

import type { SetxattrOptions } from '../../vfs/file-system.js';
import type { Name } from '../../vfs/name.js';
import { SIZEOF_GETXATTR_IN, SIZEOF_SETXATTR_IN, SIZEOF_SETXATTR_IN_SHORT } from '../abi/abi.js';
import { FUSE_SETXATTR_ACL_KILL_SGID } from '../abi/abi-flags.js';
import { BODY, needBody, needData, type RequestView, readName } from './request.js';

/** The record itself serves as the options of FileSystem.setxattr. */
export class SetxattrIn implements SetxattrOptions {
  name: Name = '';
  /** Where the value lies in the request's buffer; not copied. */
  valueStart = 0;
  valueLength = 0;
  /** XATTR_CREATE, XATTR_REPLACE. */
  flags = 0;
  killSgid = false;
}

/** `form`: `extended`, of 16 bytes instead of 8, when FUSE_SETXATTR_EXT was negotiated. */
export function decodeSetxattr(request: RequestView, out: SetxattrIn, form: 'short' | 'extended'): void {
  const recordSize = form === 'extended' ? SIZEOF_SETXATTR_IN : SIZEOF_SETXATTR_IN_SHORT;
  needBody(request, recordSize);
  const { view } = request;
  const size = view.getUint32(BODY, true);
  const name = readName(request, BODY + recordSize);
  const valueStart = BODY + recordSize + name.length + 1;
  needData(request, valueStart, size);
  out.name = name;
  out.valueStart = valueStart;
  out.valueLength = size;
  out.flags = view.getUint32(BODY + 4, true);
  out.killSgid = form === 'extended' && (view.getUint32(BODY + 8, true) & FUSE_SETXATTR_ACL_KILL_SGID) !== 0;
}

export class GetxattrIn {
  /** Most bytes that the caller takes; 0 asks for the size of the value. */
  size = 0;
  name: Name = '';
}

export function decodeGetxattr(request: RequestView, out: GetxattrIn): void {
  needBody(request, SIZEOF_GETXATTR_IN);
  out.size = request.view.getUint32(BODY, true);
  out.name = readName(request, BODY + SIZEOF_GETXATTR_IN);
}

export class ListxattrIn {
  /** Most bytes that the caller takes; 0 asks for the size of the list. */
  size = 0;
}

export function decodeListxattr(request: RequestView, out: ListxattrIn): void {
  needBody(request, SIZEOF_GETXATTR_IN);
  out.size = request.view.getUint32(BODY, true);
}
