import { describe, expect, it } from 'vitest';
import { FsError } from '../../../src/errno/fs-error.js';
import { decodeInit, InitIn } from '../../../src/fuse/messages/decode-misc.js';
import { decodeRequestHeader, RequestHeader, type RequestView } from '../../../src/fuse/messages/request.js';
import { exactView, hex, staleView, wireRequest } from '../../helpers/wire-requests.js';
import { type RequestCase, requestTable } from './request-table.js';

/** What decoding comes to: 'whole', the errno's code, or whatever else was thrown. */
function outcome(request: RequestView, { decode }: RequestCase): string {
  try {
    decodeRequestHeader(request, new RequestHeader());
    decode(request);
    return 'whole';
  } catch (error) {
    return error instanceof FsError ? error.code : String(error);
  }
}

/** The request cut to `length`, with a length field that says so. */
function cut(request: Buffer, length: number): Buffer {
  const bytes = Buffer.from(request.subarray(0, length));
  if (length >= 4) bytes.writeUInt32LE(length, 0);
  return bytes;
}

function isVersionOnlyInit({ opcode }: RequestCase, length: number): boolean {
  return opcode === 26 && length === 48;
}

describe('a request cut at any byte', () => {
  it.each(requestTable)('$title: is refused with EPROTO, reading nothing outside', (one) => {
    const request = wireRequest(one.opcode, hex(one.body));
    const needed = 40 + (one.needed ?? hex(one.body).length);
    for (let length = 0; length <= request.length; length++) {
      // An INIT of 16 bytes with FUSE_INIT_EXT set is no valid one; of 8 it carries the version alone.
      const whole = length >= needed || isVersionOnlyInit(one, length);
      const expected = whole ? 'whole' : 'EPROTO';
      expect(outcome(exactView(cut(request, length)), one), `exact, ${length} bytes`).toBe(expected);
      expect(outcome(staleView(request, length), one), `stale, ${length} bytes`).toBe(expected);
    }
  });

  it.each(requestTable)('$title: is refused when the length field still claims all of it', (one) => {
    const request = wireRequest(one.opcode, hex(one.body));
    for (let length = 0; length < request.length; length++) {
      const short = exactView(Buffer.from(request.subarray(0, length)));
      expect(outcome(short, one), `${length} bytes`).toBe('EPROTO');
    }
  });

  it('INIT of 8 bytes gives the version and no flags', () => {
    const out = new InitIn();
    out.flags = 1;
    decodeInit(exactView(wireRequest(26, hex('07 00 00 00 05 00 00 00'))), out);
    expect({ ...out }).toEqual({ major: 7, minor: 5, maxReadahead: 0, flags: 0, flags2: 0 });
  });
});
