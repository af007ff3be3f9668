/**
 * A request in words, for the log: who asked what of which node, with the fields that it was decoded into. Data and values of
 * attributes are the users' own and are left out.
 */

import * as op from '../../fuse/abi/abi-opcodes.js';
import type { RequestHeader } from '../../fuse/messages/request.js';
import type { Name } from '../../vfs/name.js';
import type { Records } from './session-records.js';

/** Where the decoded request lies. Those that are not here have a header alone. */
const RECORDS: ReadonlyMap<number, keyof Records> = new Map([
  [op.FUSE_LOOKUP, 'name'],
  [op.FUSE_UNLINK, 'name'],
  [op.FUSE_RMDIR, 'name'],
  [op.FUSE_REMOVEXATTR, 'name'],
  [op.FUSE_FORGET, 'forget'],
  [op.FUSE_GETATTR, 'getattr'],
  [op.FUSE_SETATTR, 'setattr'],
  [op.FUSE_STATX, 'statx'],
  [op.FUSE_SYMLINK, 'symlink'],
  [op.FUSE_MKNOD, 'mknod'],
  [op.FUSE_MKDIR, 'mkdir'],
  [op.FUSE_RENAME, 'rename'],
  [op.FUSE_RENAME2, 'rename'],
  [op.FUSE_LINK, 'link'],
  [op.FUSE_OPEN, 'open'],
  [op.FUSE_CREATE, 'create'],
  [op.FUSE_TMPFILE, 'create'],
  [op.FUSE_READ, 'read'],
  [op.FUSE_READDIR, 'read'],
  [op.FUSE_READDIRPLUS, 'read'],
  [op.FUSE_WRITE, 'write'],
  [op.FUSE_FLUSH, 'flush'],
  [op.FUSE_FSYNC, 'fsync'],
  [op.FUSE_FSYNCDIR, 'fsync'],
  [op.FUSE_RELEASE, 'release'],
  [op.FUSE_SETXATTR, 'setxattr'],
  [op.FUSE_GETXATTR, 'getxattr'],
  [op.FUSE_LISTXATTR, 'listxattr'],
  [op.FUSE_FALLOCATE, 'fallocate'],
  [op.FUSE_LSEEK, 'lseek'],
  [op.FUSE_COPY_FILE_RANGE, 'copy'],
  [op.FUSE_COPY_FILE_RANGE_64, 'copy'],
  [op.FUSE_IOCTL, 'ioctl'],
]);

/** Those that are about a name in the directory of the header. */
const NAMED: readonly number[] = [
  ...[op.FUSE_LOOKUP, op.FUSE_UNLINK, op.FUSE_RMDIR, op.FUSE_SYMLINK, op.FUSE_MKNOD, op.FUSE_MKDIR],
  ...[op.FUSE_RENAME, op.FUSE_RENAME2, op.FUSE_LINK, op.FUSE_CREATE],
];

/** The name in the directory of the header that a request is about; undefined: it is about the node itself. */
export function requestName({ opcode }: Pick<RequestHeader, 'opcode'>, records: Records): Name | undefined {
  if (!NAMED.includes(opcode)) return undefined;
  if (opcode === op.FUSE_RENAME || opcode === op.FUSE_RENAME2) return records.rename.oldName;
  return (records[RECORDS.get(opcode)!] as { readonly name: Name }).name;
}

/** @param records as the request was decoded into them, or what an earlier one left where it could not be. */
export function describeRequest(header: RequestHeader, records: Records): string {
  const record = RECORDS.get(header.opcode);
  const fields = record === undefined ? '' : ` ${textOf(records[record])}`;
  const { uid, gid, pid, nodeId } = header;
  return `${op.opcodeName(header.opcode)} of node ${nodeId} by uid ${uid}, gid ${gid}, pid ${pid}${fields}`;
}

/** Names are bytes: what is not ASCII shows as Latin-1, what is not to be printed escaped. */
function textOf(record: unknown): string {
  return JSON.stringify(record, (_key, value: unknown) =>
    value instanceof Uint8Array ? `${value.length} bytes` : value,
  );
}
