/** The table of operations: what its rows say of nodes, of answers that nobody gets, and of what the second engine lacks. */

import { describe, expect, it } from 'vitest';
import { FileOperations } from '../../../src/engine/fuse-native/operations.js';
import type { Exchange } from '../../../src/engine/operations/operation.js';
import { operations, takeBack } from '../../../src/engine/operations/operation-table.js';
import { Records } from '../../../src/engine/operations/session-records.js';
import * as op from '../../../src/fuse/abi/abi-opcodes.js';
import { REPLY_BODY, ReplyBuffer } from '../../../src/fuse/messages/reply.js';
import { decodeRequestHeader, RequestHeader } from '../../../src/fuse/messages/request.js';
import type { NodeId } from '../../../src/vfs/node-id.js';
import { exactView, hex, wireRequest } from '../../helpers/wire-requests.js';
import { fakeFileSystem } from './fake-file-system.js';

const rows = operations.filter((row) => row !== undefined);

/** What a file system is told when the answer to an operation on node 5, which made node 7 with handle 9, is dropped. */
function takenBack(opcode: number, prepare: (x: Exchange) => void = () => undefined): string[] {
  const told: string[] = [];
  const request = exactView(wireRequest(opcode, hex(''), { nodeId: 5 }));
  const header = new RequestHeader();
  decodeRequestHeader(request, header);
  const records = new Records();
  records.entry.nodeId = 7 as NodeId;
  records.opened.handle = 9;
  records.found = true;
  const fs = fakeFileSystem({
    forget: (node: NodeId, count: number) => void told.push(`forget ${node} ${count}`),
    release: (node: NodeId, handle: number) => void told.push(`release ${node} ${handle}`),
  });
  const x: Exchange = { fs, request, header, reply: new ReplyBuffer(4096), records, setxattrExt: true };
  prepare(x);
  takeBack(operations[opcode]!, x);
  return told;
}

describe('an answer that nobody gets', () => {
  it.each([
    [op.FUSE_LOOKUP, ['forget 7 1']],
    [op.FUSE_MKNOD, ['forget 7 1']],
    [op.FUSE_MKDIR, ['forget 7 1']],
    [op.FUSE_SYMLINK, ['forget 7 1']],
    [op.FUSE_LINK, ['forget 7 1']],
    [op.FUSE_CREATE, ['release 7 9', 'forget 7 1']],
    [op.FUSE_TMPFILE, ['release 7 9', 'forget 7 1']],
    [op.FUSE_OPEN, ['release 5 9']],
    [op.FUSE_GETATTR, []],
    [op.FUSE_READDIR, []],
  ])('of opcode %i is taken back: %j', (opcode, told) => {
    expect(takenBack(opcode)).toEqual(told);
  });

  it('of a LOOKUP that found nothing gave nothing', () => {
    const none = (x: Exchange): void => {
      x.records.found = false;
    };
    expect(takenBack(op.FUSE_LOOKUP, none)).toEqual([]);
  });

  it('of a READDIRPLUS is taken back for each entry that has a node', () => {
    const list = ({ reply, records }: Exchange): void => {
      reply.length = REPLY_BODY;
      records.dirents.begin(reply, 2048, 'plus');
      for (const [name, node] of [
        ['.', 0],
        ['a', 7],
        ['longer-name', 8],
      ] as const) {
        records.entry.nodeId = node as NodeId;
        records.dirents.addPlus(name, records.entry, 8, node + 1);
      }
    };
    expect(takenBack(op.FUSE_READDIRPLUS, list)).toEqual(['forget 7 1', 'forget 8 1']);
  });

  it('has a row for all operations that give something', () => {
    const giving = rows.filter(({ gives }) => gives !== 'nothing').map(({ opcode }) => op.opcodeName(opcode));
    expect(giving.sort()).toEqual(
      ['LOOKUP', 'MKNOD', 'MKDIR', 'SYMLINK', 'LINK', 'CREATE', 'TMPFILE', 'OPEN', 'READDIRPLUS'].sort(),
    );
  });
});

describe('the engine fuse-native', () => {
  /** By another operation of libfuse's, or not at all since libfuse keeps nodes itself. */
  const OTHERWISE: Readonly<Record<string, string>> = {
    LOOKUP: 'getattr',
    FORGET: 'release',
    BATCH_FORGET: 'release',
    READDIRPLUS: 'readdir',
    RENAME2: 'rename',
  };
  /** What SETATTR is to libfuse 2.9. */
  const SETATTR = ['chmod', 'chown', 'truncate', 'utimens'];
  /** native-limits.ts, 'no-such-operation', with what is a part of another there. */
  const MISSING = [
    'TMPFILE',
    'FALLOCATE',
    'LSEEK',
    'COPY_FILE_RANGE',
    'COPY_FILE_RANGE_64',
    'STATX',
    'IOCTL',
  ];
  /** libfuse answers them by itself. */
  const OWN = ['OPENDIR', 'RELEASEDIR', 'DESTROY', 'FLUSH', 'FSYNCDIR'];

  it('has each operation of the table but those that its limits name', () => {
    const has = (name: string): boolean => name in FileOperations.prototype;
    const lacking = rows
      .map(({ opcode }) => op.opcodeName(opcode))
      .filter((name) => {
        if (name === 'SETATTR') return !SETATTR.every(has);
        return !has(OTHERWISE[name] ?? name.toLowerCase());
      });
    expect(lacking.filter((name) => !OWN.includes(name)).sort()).toEqual([...MISSING].sort());
  });
});
