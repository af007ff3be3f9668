import { describe, expect, it } from 'vitest';
import { OPCODE_LIMIT, opcodeName } from '../../../src/fuse/abi/abi-opcodes.js';
import { decodeName, NameIn } from '../../../src/fuse/messages/decode-name.js';
import { decodeRequestHeader, RequestHeader, type RequestView } from '../../../src/fuse/messages/request.js';
import { exactView, hex, staleView, wireRequest } from '../../helpers/wire-requests.js';
import { requestTable } from './request-table.js';

/** Operations whose request is the header alone. */
const WITHOUT_BODY = ['READLINK', 'STATFS', 'DESTROY'];

/** What nobody decodes: the kernel sends it only where INIT asked for it (locks), to other types of mount, or never here. */
const NOT_DECODED = [
  ...['SETUPMAPPING', 'REMOVEMAPPING', 'BMAP', 'SYNCFS', 'GETLK', 'SETLK', 'SETLKW', 'NOTIFY_REPLY'],
  // default_permissions: the kernel checks.
  'ACCESS',
  // Answered ENOSYS without a look at its body; then the kernel asks no more, and regular files are ready always.
  'POLL',
];

describe('decoders', () => {
  it.each(requestTable)('$title: every field of the bytes arrives', ({ opcode, body, decode, expected }) => {
    const request = exactView(wireRequest(opcode, hex(body), { nodeId: 0x3_0000_0007 }));
    const header = new RequestHeader();
    decodeRequestHeader(request, header);
    expect(header.opcode).toBe(opcode);
    expect({ ...(decode(request) as object) }).toEqual(expected);
  });

  it('cover every opcode that has a body', () => {
    const covered = new Set(requestTable.map(({ opcode }) => opcode));
    const missing: string[] = [];
    for (let opcode = 1; opcode < OPCODE_LIMIT; opcode++) {
      const name = opcodeName(opcode);
      if (!name.startsWith('opcode') && !covered.has(opcode)) missing.push(name);
    }
    expect(missing.toSorted()).toEqual([...WITHOUT_BODY, ...NOT_DECODED].toSorted());
  });

  it('hand over names of any length that the request holds', () => {
    for (const length of [1, 255, 256, 1024, 4095]) {
      const name = '\xe9'.repeat(length);
      const out = new NameIn();
      decodeName(exactView(wireRequest(1, Buffer.from(`${name}\0`, 'latin1'))), out);
      expect(out.name).toBe(name);
    }
  });

  it('refuse an empty name', () => {
    expect(() => decodeName(exactView(wireRequest(1, hex('00'))), new NameIn())).toThrow(
      expect.objectContaining({ code: 'EPROTO', op: 'fuse LOOKUP request' }),
    );
  });

  it('refuse a name whose NUL lies behind the end', () => {
    const request = wireRequest(1, hex('61 62 63 00'));
    expect(() => decodeName(staleView(request, request.length - 1), new NameIn())).toThrow(
      expect.objectContaining({ code: 'EPROTO' }),
    );
  });

  it('refuse a count of nodes to forget that would overflow 32 bits of bytes', () => {
    const batch = requestTable.find(({ title }) => title.startsWith('BATCH_FORGET'));
    const request = exactView(wireRequest(42, hex(`ff ff ff ff 00 00 00 00 ${'00 '.repeat(64)}`)));
    expect(() => batch?.decode(request)).toThrow(expect.objectContaining({ code: 'EPROTO' }));
  });

  it('refuse data that is said to be longer than the request', () => {
    for (const title of ['WRITE', 'IOCTL', 'SETXATTR, short form', 'SETXATTR, extended form']) {
      const { opcode, body, decode } = requestTable.find((one) => one.title === title)!;
      const bytes = hex(body);
      const sizeAt = opcode === 21 ? 0 : opcode === 39 ? 24 : 16;
      for (const size of [bytes.readUInt32LE(sizeAt) + 1, 0x7fffffff, 0xffffffff]) {
        bytes.writeUInt32LE(size, sizeAt);
        expect(() => decode(exactView(wireRequest(opcode, bytes))), `${title} ${size}`).toThrow(
          expect.objectContaining({ code: 'EPROTO' }),
        );
      }
    }
  });
});

describe('decodeHeader()', () => {
  /** len 48, LOOKUP, unique 0x8000000100000002, node 0x1500000003, uid 0xfffffffe, gid 7, pid 9, 1 unit of extensions. */
  const bytes = hex(`30 00 00 00 01 00 00 00 02 00 00 00 01 00 00 80 03 00 00 00 15 00 00 00
    fe ff ff ff 07 00 00 00 09 00 00 00 01 00 00 00 00 00 00 00 00 00 00 00`);

  function header(request: RequestView): RequestHeader {
    const out = new RequestHeader();
    decodeRequestHeader(request, out);
    return out;
  }

  it('reads every field and takes the extensions off the end', () => {
    const request = exactView(bytes);
    expect({ ...header(request) }).toEqual({
      len: 48,
      opcode: 1,
      uniqueLow: 2,
      uniqueHigh: 0x80000001,
      nodeId: 0x15_0000_0003,
      uid: 0xfffffffe,
      gid: 7,
      pid: 9,
    });
    expect(request.end).toBe(40);
  });

  it('refuses a length that is not that of the bytes read', () => {
    for (const length of [0, 39, 40, 47, 49, 0xffffffff]) {
      const other = Buffer.from(bytes);
      other.writeUInt32LE(length, 0);
      expect(() => header(exactView(other)), `${length}`).toThrow(
        expect.objectContaining({ code: 'EPROTO' }),
      );
    }
  });

  it('refuses extensions longer than the body', () => {
    const other = Buffer.from(bytes);
    other.writeUInt16LE(2, 36);
    expect(() => header(exactView(other))).toThrow(expect.objectContaining({ code: 'EPROTO' }));
  });

  it('refuses an end behind the buffer', () => {
    const request = exactView(bytes);
    request.end = 49;
    expect(() => header(request)).toThrow(expect.objectContaining({ code: 'EPROTO' }));
  });
});
