/** What a process may have done before it died is done once, and answered as the first time. */

import { describe, expect, it } from 'vitest';
import { REQUEST_RECORD_BYTES, RequestRecord } from '../../../src/engine/kernel/request-record.js';
import { operations } from '../../../src/engine/operations/operation-table.js';
import { repeatOperation } from '../../../src/engine/operations/repeat-operation.js';
import { Records } from '../../../src/engine/operations/session-records.js';
import { EEXIST, ENODATA, ENOENT, EPERM } from '../../../src/errno/errno.js';
import { fsError } from '../../../src/errno/fs-error.js';
import * as op from '../../../src/fuse/abi/abi-opcodes.js';
import { ReplyBuffer, SMALLEST_REPLY } from '../../../src/fuse/messages/reply.js';
import { decodeRequestHeader, RequestHeader, RequestView } from '../../../src/fuse/messages/request.js';
import type { Negotiated } from '../../../src/fuse/negotiate.js';
import type { FileSystem } from '../../../src/vfs/file-system.js';
import { cstring, hex, wireRequest } from '../../helpers/wire-requests.js';
import { fakeFileSystem } from './fake-file-system.js';

const RENAME_EXCHANGE = 2;
const NODE = 77;

function fails(errno: number): () => never {
  return () => {
    throw fsError(errno, 'test');
  };
}

/** A file system in which all changes fail with the errno, and a lookup finds a node. */
function done(errno: number, asked: string[] = []): FileSystem {
  const names = ['mkdir', 'mknod', 'symlink', 'link', 'create', 'unlink', 'rmdir', 'rename', 'setxattr'];
  return fakeFileSystem({
    ...Object.fromEntries([...names, 'removexattr'].map((name) => [name, fails(errno)])),
    lookup: (_, name, out) => {
      asked.push(name);
      out.nodeId = NODE as typeof out.nodeId;
      return true;
    },
    open: (node, { flags }, out) => {
      asked.push(`open ${node} ${flags}`);
      out.handle = 8;
    },
    release: () => void asked.push('release'),
  });
}

function exchange(fs: FileSystem, opcode: number, body: Buffer) {
  const request = new RequestView(wireRequest(opcode, body));
  request.end = request.bytes.length;
  const header = new RequestHeader();
  decodeRequestHeader(request, header);
  const reply = new ReplyBuffer(SMALLEST_REPLY);
  return { fs, request, header, reply, records: new Records(), setxattrExt: false };
}

function repeat(fs: FileSystem, opcode: number, body: Buffer, wasExchanged = false): number {
  return repeatOperation(operations[opcode]!, exchange(fs, opcode, body), { wasExchanged });
}

const name = cstring('name');
const words = (count: number): Buffer => Buffer.alloc(count * 4);
const rename2 = (flags: number): Buffer =>
  Buffer.concat([hex('01 00 00 00 00 00 00 00'), hex(`0${flags} 00 00 00`), words(1), name, cstring('new')]);

describe('a repeated operation', () => {
  it.each([
    ['UNLINK', op.FUSE_UNLINK, name, ENOENT],
    ['RMDIR', op.FUSE_RMDIR, name, ENOENT],
    ['RENAME2', op.FUSE_RENAME2, rename2(0), ENOENT],
    ['REMOVEXATTR', op.FUSE_REMOVEXATTR, cstring('user.a'), ENODATA],
    ['SETXATTR', op.FUSE_SETXATTR, Buffer.concat([words(2), cstring('user.a')]), EEXIST],
  ])('%s that was done is done', (_, opcode, body, errno) => {
    expect(repeat(done(errno), opcode, body)).toBe(0);
    expect(() => repeat(done(EPERM), opcode, body)).toThrow(/EPERM|permitted/);
  });

  it.each([
    ['MKDIR', op.FUSE_MKDIR, Buffer.concat([words(2), name])],
    ['MKNOD', op.FUSE_MKNOD, Buffer.concat([words(4), name])],
    ['SYMLINK', op.FUSE_SYMLINK, Buffer.concat([name, cstring('content')])],
    ['LINK', op.FUSE_LINK, Buffer.concat([hex('05 00 00 00 00 00 00 00'), name])],
  ])('%s gives the node that was made', (_, opcode, body) => {
    const asked: string[] = [];
    const x = exchange(done(EEXIST, asked), opcode, body);
    expect(repeatOperation(operations[opcode]!, x, { wasExchanged: false })).toBe(0);
    expect(asked).toEqual(['name']);
    expect(x.reply.view.getBigUint64(16, true)).toBe(BigInt(NODE));
    expect(() => repeat(done(ENOENT), opcode, body)).toThrow(/ENOENT|such file/);
  });

  it('CREATE opens what was made', () => {
    const asked: string[] = [];
    const body = Buffer.concat([hex('02 00 00 00'), words(3), name]);
    expect(repeat(done(EEXIST, asked), op.FUSE_CREATE, body)).toBe(0);
    expect(asked).toEqual(['name', `open ${NODE} 2`]);
  });

  it('is not done again where a second time would undo it', () => {
    const exchanges = (was: boolean): number =>
      repeat(done(EPERM), op.FUSE_RENAME2, rename2(RENAME_EXCHANGE), was);
    expect(exchanges(true)).toBe(0);
    expect(() => exchanges(false)).toThrow(/EPERM|permitted/);
    const asked: string[] = [];
    expect(repeat(done(EPERM, asked), op.FUSE_RELEASE, words(6))).toBe(0);
    expect(asked).toEqual([]);
  });
});

describe('the record of a request', () => {
  it.each([
    [0x706c7901, { resend: true }, true, undefined],
    [0x706c7902, { features: { resend: true }, by: '8.0.0' }, true, '8.0.0'],
    [0x706c7903, { features: { resend: true }, by: '8.5.0' }, true, '8.5.0'],
    [0x706c7905, { features: { resend: true }, by: '9.0.0' }, false, '9.0.0'],
    [0x706c7905, 'no JSON that is an object', false, undefined],
  ])('of form %i is read where it is not newer, and says who wrote it', (form, agreed, isKnown, by) => {
    const bytes = memory();
    bytes.writeUInt32LE(form, 0);
    bytes.writeUInt32LE(bytes.write(JSON.stringify(agreed), 5120), 36);
    const record = new RequestRecord(bytes);
    expect([record.isKnown, record.by]).toEqual([isKnown, by]);
    if (isKnown) expect(record.features).toEqual({ resend: true });
  });

  const features = { passthrough: true, resend: true } as Negotiated;
  const memory = (): Buffer => Buffer.from(new ArrayBuffer(REQUEST_RECORD_BYTES));

  it('tells at what a process died, with the answer if it had come so far', () => {
    const bytes = memory();
    const record = new RequestRecord(bytes);
    expect(record.isKnown).toBe(false);
    record.start(features, '1.2.3');
    const { header, request, reply } = exchange(done(0), op.FUSE_RENAME2, rename2(0));
    record.begin(header, request);
    const died = new RequestRecord(bytes);
    expect([died.isKnown, died.features, died.by]).toEqual([true, features, '1.2.3']);
    const { uniqueLow, uniqueHigh, nodeId: node } = header;
    const common = { uniqueLow, uniqueHigh, node, opcode: op.FUSE_RENAME2, bytes: request.bytes, deaths: 1 };
    expect(died.interrupted()).toEqual([{ ...common, reply: undefined }]);
    record.answered(header, reply, 16);
    expect(died.interrupted()[0]?.reply).toEqual(reply.bytes.subarray(0, 16));
    record.begin({ ...header, uniqueLow: uniqueLow + 2 }, request);
    expect(died.interrupted()[0]?.reply).toBeUndefined();
  });

  it('counts deaths at one request, over processes', () => {
    const { header, request } = exchange(done(0), op.FUSE_UNLINK, name);
    let before = new RequestRecord(memory());
    before.begin(header, request);
    for (const deaths of [1, 2, 3]) {
      const interrupted = before.interrupted();
      expect(interrupted.map((one) => one.deaths)).toEqual([deaths]);
      const next = new RequestRecord(memory());
      next.start(features, '1.2.3', interrupted);
      next.begin(header, request);
      before = next;
    }
    before.begin({ ...header, uniqueLow: header.uniqueLow + 2 }, request);
    expect(before.interrupted()[0]?.deaths).toBe(1);
  });

  it('keeps those of processes before until they have come again', () => {
    const { header, request, reply } = exchange(done(0), op.FUSE_RENAME2, rename2(0));
    const [first, second] = [header, { ...header, uniqueLow: header.uniqueLow + 2 }];
    const uniques = (record: RequestRecord): readonly (readonly [number, number])[] =>
      record.interrupted().map(({ uniqueLow, deaths }) => [uniqueLow, deaths]);
    const [one, two, three] = [0, 1, 2].map(() => new RequestRecord(memory()));
    one!.start(features, '1.2.3');
    one!.begin(first, request);
    one!.answered(first, reply, 16);
    two!.start(features, '1.2.3', one!.interrupted());
    expect(two!.interrupted()).toEqual(one!.interrupted());
    two!.begin(second, request);
    expect(uniques(two!)).toEqual([
      [second.uniqueLow, 1],
      [first.uniqueLow, 1],
    ]);
    expect(two!.interrupted()[1]).toEqual(one!.interrupted()[0]);
    three!.start(features, '1.2.3', two!.interrupted());
    three!.meet(first);
    expect(uniques(three!)).toEqual([[second.uniqueLow, 1]]);
    three!.begin(second, request);
    expect(uniques(three!)).toEqual([[second.uniqueLow, 2]]);
    three!.meet(second);
    three!.begin({ ...first, uniqueLow: first.uniqueLow + 4 }, request);
    expect(uniques(three!)).toEqual([[first.uniqueLow + 4, 1]]);
  });
});
