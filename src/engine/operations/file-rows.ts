/** Operations on open files and directories: opening, reading, writing, listing, and what goes by a handle. */

import { ENOSYS } from '../../errno/errno.js';
import * as flag from '../../fuse/abi/abi-flags.js';
import * as op from '../../fuse/abi/abi-opcodes.js';
import {
  decodeCopyFileRange,
  decodeFallocate,
  decodeLseek,
  decodeRead,
  decodeWrite,
} from '../../fuse/messages/decode-io.js';
import {
  decodeCreate,
  decodeFlush,
  decodeFsync,
  decodeOpen,
  decodeRelease,
  decodeTmpfile,
} from '../../fuse/messages/decode-open.js';
import { encodeCreate, encodeOpen } from '../../fuse/messages/encode-entry.js';
import { encodeCopyFileRange64, encodeLseek, encodeWrite } from '../../fuse/messages/encode-misc.js';
import { encodeFilled, REPLY_BODY } from '../../fuse/messages/reply.js';
import type { RequestHeader } from '../../fuse/messages/request.js';
import type { SyncScope } from '../../vfs/file-system.js';
import { type Exchange, nothing, type Operation } from './operation.js';

/** Reads what CREATE and TMPFILE are to make, as it was decoded. */
function readCreation({ create: wanted, creation, opened }: Exchange['records']): void {
  creation.mode = wanted.mode;
  creation.umask = wanted.umask;
  creation.flags = wanted.flags;
  opened.reset();
}

function encodeCreated({ reply, records }: Exchange): void {
  encodeCreate(reply, records.entry, records.opened);
}

function encodeCount({ reply, records }: Exchange): void {
  encodeWrite(reply, records.count);
}

/** FUSE_FSYNC_FDATASYNC. */
const DATA_ONLY = 1;

function scopeOf(fsyncFlags: number): SyncScope {
  return (fsyncFlags & DATA_ONLY) === 0 ? 'all' : 'data';
}

function decodeSync({ request, records }: Exchange): void {
  decodeFsync(request, records.fsync);
}

function decodeReading({ request, records }: Exchange): void {
  decodeRead(request, records.read);
}

function list({ fs, header, reply, records }: Exchange, entries: 'plain' | 'plus'): number {
  records.dirents.begin(reply, records.read.size, entries);
  fs.readdir(header.nodeId, records.read.offset, records.dirents);
  return 0;
}

/**
 * Whether set-id bits go: HANDLE_KILLPRIV_V2 leaves them to us, and these two requests, unlike WRITE, do not say whether
 * the caller has CAP_FSETID (fs/fuse/file.c:fuse_file_fallocate() v6.18). A root without it is taken to have it.
 */
function killsPrivileges(header: RequestHeader): boolean {
  return header.uid !== 0;
}

/** What COPY_FILE_RANGE and COPY_FILE_RANGE_64 share. */
const copies = {
  nodes: ({ records }: Exchange) => [records.copy.source.node, records.copy.target.node] as const,
  gives: 'nothing',
  decode: ({ request, records }: Exchange) => decodeCopyFileRange(request, records.copy),
  call: ({ fs, header, records }: Exchange) => {
    records.copy.target.killPriv = killsPrivileges(header);
    records.count = fs.copyFileRange(records.copy.source, records.copy.target, records.copy.length);
    return 0;
  },
} as const;

export const fileRows: readonly Operation[] = [
  {
    opcode: op.FUSE_OPEN,
    nodes: 'own',
    gives: 'handle',
    decode: ({ request, records }) => decodeOpen(request, records.open),
    call: ({ fs, header, records }) => {
      const { open: wanted, intent, opened } = records;
      intent.pid = header.pid;
      intent.flags = wanted.flags;
      intent.killPriv = (wanted.openFlags & flag.FUSE_OPEN_KILL_SUIDGID) !== 0;
      opened.reset();
      fs.open(header.nodeId, intent, opened);
      records.setIds.opened(header.nodeId, wanted.flags);
      return 0;
    },
    encode: ({ reply, records }) => encodeOpen(reply, records.opened),
  },
  {
    opcode: op.FUSE_CREATE,
    nodes: 'own',
    gives: 'node and handle',
    decode: ({ request, records }) => decodeCreate(request, records.create),
    call: ({ fs, header, records }) => {
      const { create: wanted, creation, entry } = records;
      readCreation(records);
      fs.create(header.nodeId, wanted.name, creation, records.newFile);
      records.setIds.opened(entry.nodeId, wanted.flags);
      return 0;
    },
    encode: encodeCreated,
  },
  {
    opcode: op.FUSE_TMPFILE,
    nodes: 'own',
    gives: 'node and handle',
    decode: ({ request, records }) => decodeTmpfile(request, records.create),
    call: ({ fs, header, records }) => {
      const { create: wanted, creation, entry } = records;
      readCreation(records);
      fs.tmpfile(header.nodeId, creation, records.newFile);
      records.setIds.opened(entry.nodeId, wanted.flags);
      return 0;
    },
    encode: encodeCreated,
  },
  {
    opcode: op.FUSE_READ,
    nodes: 'own',
    gives: 'nothing',
    decode: decodeReading,
    call: ({ fs, header, reply, records }) => {
      const { read: wanted } = records;
      const end = Math.min(REPLY_BODY + wanted.size, reply.bytes.length);
      const into = reply.bytes.subarray(REPLY_BODY, end);
      records.count = fs.read(header.nodeId, wanted.handle, wanted.offset, into);
      return 0;
    },
    encode: ({ reply, records }) => encodeFilled(reply, records.count),
  },
  {
    opcode: op.FUSE_WRITE,
    nodes: 'own',
    gives: 'nothing',
    decode: ({ request, records }) => decodeWrite(request, records.write),
    call: ({ fs, request, header, records }) => {
      const { write: wanted, data } = records;
      data.offset = wanted.offset;
      data.bytes = request.bytes.subarray(wanted.dataStart, wanted.dataStart + wanted.dataLength);
      data.killPriv = (wanted.writeFlags & flag.FUSE_WRITE_KILL_SUIDGID) !== 0;
      data.flags = wanted.flags;
      data.isWriteback = (wanted.writeFlags & flag.FUSE_WRITE_CACHE) !== 0;
      records.count = fs.write(header.nodeId, wanted.handle, data);
      return 0;
    },
    encode: encodeCount,
  },
  {
    opcode: op.FUSE_RELEASE,
    nodes: 'own',
    gives: 'nothing',
    decode: ({ request, records }) => decodeRelease(request, records.release),
    call: ({ fs, header, records }) => {
      fs.release(header.nodeId, records.release.handle);
      records.setIds.released(header.nodeId, records.release.flags);
      return 0;
    },
    encode: nothing,
  },
  {
    opcode: op.FUSE_FLUSH,
    nodes: 'own',
    gives: 'nothing',
    decode: ({ request, records }) => decodeFlush(request, records.flush),
    call: ({ fs, header, records }) => {
      fs.flush(header.nodeId, records.flush.handle);
      return 0;
    },
    encode: nothing,
  },
  {
    opcode: op.FUSE_FSYNC,
    nodes: 'own',
    gives: 'nothing',
    decode: decodeSync,
    call: ({ fs, header, records }) => {
      fs.fsync(header.nodeId, records.fsync.handle, scopeOf(records.fsync.fsyncFlags));
      return 0;
    },
    encode: nothing,
  },
  {
    opcode: op.FUSE_FSYNCDIR,
    nodes: 'own',
    gives: 'nothing',
    decode: decodeSync,
    call: ({ fs, header, records }) => {
      fs.fsyncdir(header.nodeId, scopeOf(records.fsync.fsyncFlags));
      return 0;
    },
    encode: nothing,
  },
  {
    opcode: op.FUSE_READDIR,
    nodes: 'own',
    gives: 'nothing',
    decode: decodeReading,
    call: (x) => list(x, 'plain'),
    encode: nothing,
  },
  {
    opcode: op.FUSE_READDIRPLUS,
    nodes: 'own',
    gives: 'nodes',
    decode: decodeReading,
    call: (x) => list(x, 'plus'),
    encode: nothing,
  },
  {
    opcode: op.FUSE_FALLOCATE,
    nodes: 'own',
    gives: 'nothing',
    decode: ({ request, records }) => decodeFallocate(request, records.fallocate),
    call: ({ fs, header, records }) => {
      records.fallocate.killPriv = killsPrivileges(header);
      fs.fallocate(header.nodeId, records.fallocate.handle, records.fallocate);
      return 0;
    },
    encode: nothing,
  },
  {
    opcode: op.FUSE_LSEEK,
    nodes: 'own',
    gives: 'nothing',
    decode: ({ request, records }) => decodeLseek(request, records.lseek),
    call: ({ fs, header, records }) => {
      const { lseek: wanted } = records;
      records.count = fs.lseek(header.nodeId, wanted.handle, wanted.offset, wanted.whence);
      return 0;
    },
    encode: ({ reply, records }) => encodeLseek(reply, records.count),
  },
  { ...copies, opcode: op.FUSE_COPY_FILE_RANGE, encode: encodeCount },
  {
    ...copies,
    opcode: op.FUSE_COPY_FILE_RANGE_64,
    encode: ({ reply, records }) => encodeCopyFileRange64(reply, records.count),
  },
  // The kernel keeps directories by itself from the first ENOSYS on, and caches what they list.
  {
    opcode: op.FUSE_OPENDIR,
    nodes: 'none',
    gives: 'nothing',
    decode: nothing,
    call: () => -ENOSYS,
    encode: nothing,
  },
  {
    opcode: op.FUSE_RELEASEDIR,
    nodes: 'none',
    gives: 'nothing',
    decode: nothing,
    call: () => 0,
    encode: nothing,
  },
  {
    opcode: op.FUSE_DESTROY,
    nodes: 'none',
    gives: 'nothing',
    decode: nothing,
    call: () => 0,
    encode: nothing,
  },
];
