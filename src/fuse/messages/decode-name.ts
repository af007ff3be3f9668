/**
 * Requests that name directory entries: LOOKUP, UNLINK, RMDIR, SYMLINK, MKNOD, MKDIR, RENAME, RENAME2, LINK.
 *
 * The header's node is the parent directory (for LINK the new one, for RENAME the old one). Decoders fill records that
 * the caller keeps; names are latin1 strings, NUL-terminated on the wire and never empty.
 */

import type { RenameTarget } from '../../vfs/file-system.js';
import type { Name } from '../../vfs/name.js';
import type { NodeId } from '../../vfs/node-id.js';
import {
  SIZEOF_LINK_IN,
  SIZEOF_MKDIR_IN,
  SIZEOF_MKNOD_IN,
  SIZEOF_RENAME_IN,
  SIZEOF_RENAME2_IN,
} from '../abi/abi.js';
import { deviceMajor, deviceMinor, readNode } from '../abi/integers.js';
import { BODY, needBody, type RequestView, readName } from './request.js';

export class NameIn {
  name: Name = '';
}

/** LOOKUP, UNLINK, RMDIR; REMOVEXATTR too, whose body is the attribute's name. */
export function decodeName(request: RequestView, out: NameIn): void {
  out.name = readName(request, BODY);
}

export class SymlinkIn {
  name: Name = '';
  content: Name = '';
}

export function decodeSymlink(request: RequestView, out: SymlinkIn): void {
  out.name = readName(request, BODY);
  out.content = readName(request, BODY + out.name.length + 1);
}

export class MknodIn {
  mode = 0;
  umask = 0;
  rdevMajor = 0;
  rdevMinor = 0;
  name: Name = '';
}

export function decodeMknod(request: RequestView, out: MknodIn): void {
  needBody(request, SIZEOF_MKNOD_IN);
  const device = request.view.getUint32(BODY + 4, true);
  out.mode = request.view.getUint32(BODY, true);
  out.umask = request.view.getUint32(BODY + 8, true);
  out.rdevMajor = deviceMajor(device);
  out.rdevMinor = deviceMinor(device);
  out.name = readName(request, BODY + SIZEOF_MKNOD_IN);
}

export class MkdirIn {
  mode = 0;
  umask = 0;
  name: Name = '';
}

export function decodeMkdir(request: RequestView, out: MkdirIn): void {
  needBody(request, SIZEOF_MKDIR_IN);
  out.mode = request.view.getUint32(BODY, true);
  out.umask = request.view.getUint32(BODY + 4, true);
  out.name = readName(request, BODY + SIZEOF_MKDIR_IN);
}

/** `parent`, `name` and `flags` say where the entry goes, so that the record itself is FileSystem.rename's target. */
export class RenameIn implements RenameTarget {
  oldName: Name = '';
  parent = 0 as NodeId;
  name: Name = '';
  /** RENAME_*; 0 for the opcode RENAME. */
  flags = 0;
}

export function decodeRename(request: RequestView, out: RenameIn): void {
  needBody(request, SIZEOF_RENAME_IN);
  out.flags = 0;
  decodeRenameNames(request, BODY + SIZEOF_RENAME_IN, out);
}

export function decodeRename2(request: RequestView, out: RenameIn): void {
  needBody(request, SIZEOF_RENAME2_IN);
  out.flags = request.view.getUint32(BODY + 8, true);
  decodeRenameNames(request, BODY + SIZEOF_RENAME2_IN, out);
}

function decodeRenameNames(request: RequestView, at: number, out: RenameIn): void {
  out.parent = readNode(request.view, BODY);
  out.oldName = readName(request, at);
  out.name = readName(request, at + out.oldName.length + 1);
}

export class LinkIn {
  /** The object that gets one more name. */
  node = 0 as NodeId;
  name: Name = '';
}

export function decodeLink(request: RequestView, out: LinkIn): void {
  needBody(request, SIZEOF_LINK_IN);
  out.node = readNode(request.view, BODY);
  out.name = readName(request, BODY + SIZEOF_LINK_IN);
}
