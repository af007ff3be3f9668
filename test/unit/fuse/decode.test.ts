import { describe, expect, it } from 'vitest';
import { OPCODE_LIMIT, opcodeName } from '../../../src/fuse/abi-opcodes.js';
import { decodeName, NameIn } from '../../../src/fuse/decode-name.js';
import {
  decodeHeader,
  decodeSupplementaryGroup,
  RequestHeader,
  type RequestView,
} from '../../../src/fuse/request.js';
import { exactView, hex, staleView, wireRequest } from '../../helpers/wire-requests.js';
import { requestTable } from './request-table.js';

/** Operations whose request is the header alone, or that a mount over /dev/fuse never sees. */
const WITHOUT_BODY = ['READLINK', 'STATFS', 'DESTROY', 'SETUPMAPPING', 'REMOVEMAPPING'];

describe('decoders', () => {
  it.each(requestTable)('$title: every field of the bytes arrives', ({ opcode, body, decode, expected }) => {
    const request = exactView(wireRequest(opcode, hex(body), { nodeId: 0x3_0000_0007 }));
    const header = new RequestHeader();
    decodeHeader(request, header);
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
    expect(missing.toSorted()).toEqual(WITHOUT_BODY.toSorted());
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
    for (const title of [
      'WRITE',
      'NOTIFY_REPLY',
      'IOCTL',
      'SETXATTR, short form',
      'SETXATTR, extended form',
    ]) {
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
    decodeHeader(request, out);
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
      extensionLength: 8,
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

describe('decodeSupplementaryGroup()', () => {
  function group(extensions: string): number | undefined {
    const request = exactView(
      wireRequest(9, hex('ed 41 00 00 00 00 00 00 64 00'), { extensions: hex(extensions) }),
    );
    const header = new RequestHeader();
    decodeHeader(request, header);
    return decodeSupplementaryGroup(request, header);
  }
  const GROUPS = '10 00 00 00 20 00 00 00 01 00 00 00 d2 04 00 00';

  it('finds the group', () => {
    expect(group(GROUPS)).toBe(1234);
  });

  it('finds it behind a security context', () => {
    expect(group(`14 00 00 00 01 00 00 00 ${'11 '.repeat(16)} ${GROUPS}`)).toBe(1234);
  });

  it('is undefined without the extension and for an empty list', () => {
    expect(group('')).toBeUndefined();
    expect(group('08 00 00 00 00 00 00 00')).toBeUndefined();
    expect(group('10 00 00 00 20 00 00 00 00 00 00 00 00 00 00 00')).toBeUndefined();
  });

  it.each([
    ['a size of 0', '00 00 00 00 20 00 00 00 01 00 00 00 d2 04 00 00'],
    ['a size behind the end', '18 00 00 00 20 00 00 00 01 00 00 00 d2 04 00 00'],
    ['more groups than bytes', '10 00 00 00 20 00 00 00 02 00 00 00 d2 04 00 00'],
    ['2^32 - 1 groups', '10 00 00 00 20 00 00 00 ff ff ff ff d2 04 00 00'],
    ['no room for the count', '08 00 00 00 20 00 00 00'],
  ])('refuses %s', (_what, extensions) => {
    expect(() => group(extensions)).toThrow(expect.objectContaining({ code: 'EPROTO' }));
  });

  it('leaves the name before it whole', () => {
    const request = exactView(wireRequest(1, hex('61 62 00'), { extensions: hex(GROUPS) }));
    decodeHeader(request, new RequestHeader());
    const out = new NameIn();
    decodeName(request, out);
    expect(out.name).toBe('ab');
  });
});
