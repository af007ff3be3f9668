/** Operations on attributes: of nodes, of the file system, extended ones, and the flags of lsattr(1). */

import { ENODATA, ERANGE } from '../../errno/errno.js';
import * as flag from '../../fuse/abi/abi-flags.js';
import * as op from '../../fuse/abi/abi-opcodes.js';
import { decodeGetattr, decodeSetattr, decodeStatx } from '../../fuse/messages/decode-attr.js';
import { decodeIoctl } from '../../fuse/messages/decode-misc.js';
import { decodeName } from '../../fuse/messages/decode-name.js';
import { decodeGetxattr, decodeListxattr, decodeSetxattr } from '../../fuse/messages/decode-xattr.js';
import { encodeAttr, encodeStatx } from '../../fuse/messages/encode-entry.js';
import { encodeStatFs, encodeXattrSize } from '../../fuse/messages/encode-misc.js';
import { encodeBytes } from '../../fuse/messages/reply.js';
import { callIoctl, encodeFlags } from './flags-ioctl.js';
import { type Exchange, nothing, type Operation } from './operation.js';

function encodeAttributes({ reply, records }: Exchange): void {
  encodeAttr(reply, records.attr);
}

/** What the kernel wants of a value in `records.value`: how long it is where it gives no room, else the value. */
function encodeSized({ reply, records }: Exchange): void {
  if (records.room === 0) encodeXattrSize(reply, records.value.length);
  else encodeBytes(reply, records.value);
}

/** @returns -ERANGE for a value that is larger than the room. */
function putValue({ records }: Exchange, value: Uint8Array, room: number): number {
  records.value = value;
  records.room = room;
  return room !== 0 && value.length > room ? -ERANGE : 0;
}

/** Fields that the request says are not meant become undefined. */
function readChange({ records }: Exchange): void {
  const { setattr: wanted, change } = records;
  const { valid } = wanted;
  change.mode = (valid & flag.FATTR_MODE) !== 0 ? wanted.mode : undefined;
  change.uid = (valid & flag.FATTR_UID) !== 0 ? wanted.uid : undefined;
  change.gid = (valid & flag.FATTR_GID) !== 0 ? wanted.gid : undefined;
  change.sizeBytes = (valid & flag.FATTR_SIZE) !== 0 ? wanted.size : undefined;
  change.atimeSec =
    (valid & flag.FATTR_ATIME_NOW) !== 0
      ? 'now'
      : (valid & flag.FATTR_ATIME) !== 0
        ? wanted.atimeSec
        : undefined;
  change.atimeNsec = wanted.atimeNsec;
  change.mtimeSec =
    (valid & flag.FATTR_MTIME_NOW) !== 0
      ? 'now'
      : (valid & flag.FATTR_MTIME) !== 0
        ? wanted.mtimeSec
        : undefined;
  change.mtimeNsec = wanted.mtimeNsec;
  change.killPriv = (valid & flag.FATTR_KILL_SUIDGID) !== 0;
  change.handle = (valid & flag.FATTR_FH) !== 0 ? wanted.handle : undefined;
}

export const attributeRows: readonly Operation[] = [
  {
    opcode: op.FUSE_GETATTR,
    nodes: 'own',
    gives: 'nothing',
    decode: ({ request, records }) => decodeGetattr(request, records.getattr),
    call: ({ fs, header, records }) => {
      fs.getattr(header.nodeId, records.getattr.handle, records.attr);
      return 0;
    },
    encode: encodeAttributes,
  },
  {
    // Comes where a caller wants the time of birth, which no other answer has.
    opcode: op.FUSE_STATX,
    nodes: 'own',
    gives: 'nothing',
    decode: ({ request, records }) => decodeStatx(request, records.statx),
    call: ({ fs, header, records }) => {
      fs.getattr(header.nodeId, records.statx.handle, records.attr);
      return 0;
    },
    encode: ({ reply, records }) => encodeStatx(reply, records.attr),
  },
  {
    opcode: op.FUSE_SETATTR,
    nodes: 'own',
    gives: 'nothing',
    decode: (x) => {
      decodeSetattr(x.request, x.records.setattr);
      readChange(x);
    },
    call: ({ fs, header, records }) => {
      const { setIds, change, attr, caller } = records;
      const refusal = setIds.beforeSetattr(fs, header.nodeId, records);
      if (refusal !== 0) return refusal;
      fs.setattr(header.nodeId, change, attr, caller);
      setIds.afterSetattr(header.nodeId);
      return 0;
    },
    encode: encodeAttributes,
  },
  {
    opcode: op.FUSE_STATFS,
    nodes: 'own',
    gives: 'nothing',
    decode: nothing,
    call: ({ fs, header, records }) => {
      fs.statfs(header.nodeId, records.statfs);
      return 0;
    },
    encode: ({ reply, records }) => encodeStatFs(reply, records.statfs),
  },
  {
    opcode: op.FUSE_GETXATTR,
    nodes: 'own',
    gives: 'nothing',
    decode: ({ request, records }) => decodeGetxattr(request, records.getxattr),
    call: (x) => {
      const { fs, header, records } = x;
      const { name, size } = records.getxattr;
      const value = fs.getxattr(header.nodeId, name);
      if (value === undefined) return -ENODATA;
      records.setIds.afterGetxattr(header, name, size);
      return putValue(x, value, size);
    },
    encode: encodeSized,
  },
  {
    opcode: op.FUSE_LISTXATTR,
    nodes: 'own',
    gives: 'nothing',
    decode: ({ request, records }) => decodeListxattr(request, records.listxattr),
    call: (x) => {
      const { fs, header, records } = x;
      return putValue(x, fs.listxattr(header.nodeId, records.caller), records.listxattr.size);
    },
    encode: encodeSized,
  },
  {
    opcode: op.FUSE_SETXATTR,
    nodes: 'own',
    gives: 'nothing',
    decode: ({ request, records, setxattrExt }) =>
      decodeSetxattr(request, records.setxattr, setxattrExt ? 'extended' : 'short'),
    call: ({ fs, request, header, records }) => {
      const { setxattr: wanted } = records;
      const value = request.bytes.subarray(wanted.valueStart, wanted.valueStart + wanted.valueLength);
      fs.setxattr(header.nodeId, wanted.name, value, wanted);
      return 0;
    },
    encode: nothing,
  },
  {
    opcode: op.FUSE_REMOVEXATTR,
    nodes: 'own',
    gives: 'nothing',
    decode: ({ request, records }) => decodeName(request, records.name),
    call: ({ fs, header, records }) => {
      const { setIds, caller } = records;
      const { name } = records.name;
      const refusal = setIds.beforeRemovexattr(fs, header, name, caller);
      if (refusal !== 0) return refusal;
      fs.removexattr(header.nodeId, name);
      setIds.afterRemovexattr(header, name);
      return 0;
    },
    encode: nothing,
  },
  {
    opcode: op.FUSE_IOCTL,
    nodes: 'own',
    gives: 'nothing',
    decode: ({ request, records }) => decodeIoctl(request, records.ioctl),
    call: callIoctl,
    encode: encodeFlags,
  },
];
