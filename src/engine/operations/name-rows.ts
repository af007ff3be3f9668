/** Operations on names: looking them up, making, removing and moving them, and giving references back. */

import * as op from '../../fuse/abi/abi-opcodes.js';
import { decodeBatchForget, decodeForget } from '../../fuse/messages/decode-forget.js';
import {
  decodeLink,
  decodeMkdir,
  decodeMknod,
  decodeName,
  decodeRename,
  decodeRename2,
  decodeSymlink,
} from '../../fuse/messages/decode-name.js';
import { encodeEntry, encodeNegativeEntry } from '../../fuse/messages/encode-entry.js';
import { encodeName } from '../../fuse/messages/reply.js';
import { S_IFLNK } from '../../linux/constants.js';
import { type Exchange, NO_REPLY, nothing, type Operation } from './operation.js';

function decodeOneName({ request, records }: Exchange): void {
  decodeName(request, records.name);
}

function encodeFound({ reply, records }: Exchange): void {
  if (records.found) encodeEntry(reply, records.entry);
  else encodeNegativeEntry(reply, records.entry.ttlMs);
}

function encodeMade({ reply, records }: Exchange): void {
  encodeEntry(reply, records.entry);
}

/** What RENAME and RENAME2 share. */
const renames = {
  nodes: ({ header, records }: Exchange) => [header.nodeId, records.rename.parent] as const,
  gives: 'nothing',
  call: ({ fs, header, records }: Exchange) => {
    fs.rename(header.nodeId, records.rename.oldName, records.rename);
    return 0;
  },
  encode: nothing,
} as const;

export const nameRows: readonly Operation[] = [
  {
    opcode: op.FUSE_LOOKUP,
    nodes: 'name',
    gives: 'node or none',
    decode: decodeOneName,
    call: ({ fs, header, records }) => {
      records.found = fs.lookup(header.nodeId, records.name.name, records.entry);
      return 0;
    },
    encode: encodeFound,
  },
  {
    opcode: op.FUSE_FORGET,
    nodes: 'none',
    gives: 'nothing',
    decode: ({ request, records }) => decodeForget(request, records.forget),
    call: ({ fs, header, records }) => {
      fs.forget(header.nodeId, records.forget.nlookup);
      return NO_REPLY;
    },
    encode: nothing,
  },
  {
    opcode: op.FUSE_BATCH_FORGET,
    nodes: 'none',
    gives: 'nothing',
    decode: nothing,
    call: ({ fs, request }) => {
      decodeBatchForget(request, (node, count) => fs.forget(node, count));
      return NO_REPLY;
    },
    encode: nothing,
  },
  {
    opcode: op.FUSE_READLINK,
    nodes: 'own',
    gives: 'nothing',
    decode: nothing,
    call: ({ fs, header, records }) => {
      records.content = fs.readlink(header.nodeId);
      return 0;
    },
    encode: ({ reply, records }) => encodeName(reply, records.content),
  },
  {
    opcode: op.FUSE_SYMLINK,
    nodes: 'own',
    gives: 'node',
    decode: ({ request, records }) => decodeSymlink(request, records.symlink),
    call: ({ fs, header, records }) => {
      records.creation.mode = S_IFLNK | 0o777;
      fs.symlink(header.nodeId, records.symlink.name, records.symlink.content, records.newEntry);
      return 0;
    },
    encode: encodeMade,
  },
  {
    opcode: op.FUSE_MKNOD,
    nodes: 'own',
    gives: 'node',
    decode: ({ request, records }) => decodeMknod(request, records.mknod),
    call: ({ fs, header, records }) => {
      const { mknod: wanted, creation } = records;
      creation.mode = wanted.mode;
      creation.umask = wanted.umask;
      creation.rdevMajor = wanted.rdevMajor;
      creation.rdevMinor = wanted.rdevMinor;
      fs.mknod(header.nodeId, wanted.name, creation, records.newEntry);
      return 0;
    },
    encode: encodeMade,
  },
  {
    opcode: op.FUSE_MKDIR,
    nodes: 'own',
    gives: 'node',
    decode: ({ request, records }) => decodeMkdir(request, records.mkdir),
    call: ({ fs, header, records }) => {
      const { mkdir: wanted, creation } = records;
      creation.mode = wanted.mode;
      creation.umask = wanted.umask;
      fs.mkdir(header.nodeId, wanted.name, creation, records.newEntry);
      return 0;
    },
    encode: encodeMade,
  },
  {
    opcode: op.FUSE_UNLINK,
    nodes: 'own',
    gives: 'nothing',
    decode: decodeOneName,
    call: ({ fs, header, records }) => {
      fs.unlink(header.nodeId, records.name.name);
      return 0;
    },
    encode: nothing,
  },
  {
    opcode: op.FUSE_RMDIR,
    nodes: 'own',
    gives: 'nothing',
    decode: decodeOneName,
    call: ({ fs, header, records }) => {
      fs.rmdir(header.nodeId, records.name.name);
      return 0;
    },
    encode: nothing,
  },
  {
    ...renames,
    opcode: op.FUSE_RENAME,
    decode: ({ request, records }) => decodeRename(request, records.rename),
  },
  {
    ...renames,
    opcode: op.FUSE_RENAME2,
    decode: ({ request, records }) => decodeRename2(request, records.rename),
  },
  {
    opcode: op.FUSE_LINK,
    nodes: ({ header, records }) => [header.nodeId, records.link.node],
    gives: 'node',
    decode: ({ request, records }) => decodeLink(request, records.link),
    call: ({ fs, header, records }) => {
      fs.link(records.link.node, header.nodeId, records.link.name, records.entry);
      return 0;
    },
    encode: encodeMade,
  },
];
