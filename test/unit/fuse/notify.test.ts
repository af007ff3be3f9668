import { describe, expect, it } from 'vitest';
import { FUSE_EXPIRE_ONLY } from '../../../src/fuse/abi/abi-flags.js';
import { ReplyBuffer } from '../../../src/fuse/messages/reply.js';
import {
  encodeInvalEntry,
  encodeInvalInode,
  encodeResend,
  encodeStore,
  STORE_DATA,
} from '../../../src/fuse/notify.js';
import type { NodeId } from '../../../src/vfs/node-id.js';
import { hex } from '../../helpers/wire-requests.js';

const PARENT = 0x2_0000_0003 as NodeId;
const CHILD = 4 as NodeId;

function written(encode: (reply: ReplyBuffer) => number): Buffer {
  const reply = new ReplyBuffer(8192);
  reply.bytes.fill(0xee);
  const length = encode(reply);
  return reply.bytes.subarray(0, length);
}

describe('notifications', () => {
  it('INVAL_ENTRY: parent, length, flags, name with its NUL', () => {
    expect(written((reply) => encodeInvalEntry(reply, PARENT, 'a\xff', FUSE_EXPIRE_ONLY))).toEqual(
      hex(`23 00 00 00 03 00 00 00 00 00 00 00 00 00 00 00
        03 00 00 00 02 00 00 00 02 00 00 00 01 00 00 00 61 ff 00`),
    );
  });

  it('INVAL_INODE: node, offset and length, both signed', () => {
    expect(written((reply) => encodeInvalInode(reply, PARENT, -1, 0))).toEqual(
      hex(`28 00 00 00 02 00 00 00 00 00 00 00 00 00 00 00
        03 00 00 00 02 00 00 00 ff ff ff ff ff ff ff ff 00 00 00 00 00 00 00 00`),
    );
    expect(written((reply) => encodeInvalInode(reply, CHILD, 0x1_0000_0000, 4096)).subarray(16)).toEqual(
      hex('04 00 00 00 00 00 00 00 00 00 00 00 01 00 00 00 00 10 00 00 00 00 00 00'),
    );
  });

  it('STORE: node, offset, size, and the data that lies behind them', () => {
    const stored = (reply: ReplyBuffer): number => {
      reply.bytes.write('data', STORE_DATA);
      return encodeStore(reply, PARENT, 4);
    };
    expect(written(stored)).toEqual(
      hex(`2c 00 00 00 04 00 00 00 00 00 00 00 00 00 00 00
        03 00 00 00 02 00 00 00 00 00 00 00 00 00 00 00 04 00 00 00 00 00 00 00 64 61 74 61`),
    );
    expect(() => encodeStore(new ReplyBuffer(512), PARENT, 473)).toThrow(RangeError);
  });

  it('RESEND: the header alone', () => {
    expect(written(encodeResend)).toEqual(hex('10 00 00 00 07 00 00 00 00 00 00 00 00 00 00 00'));
  });

  it('refuses a name that the buffer cannot hold', () => {
    const reply = new ReplyBuffer(512);
    expect(() => encodeInvalEntry(reply, PARENT, 'x'.repeat(480), 0)).toThrow(RangeError);
    expect(encodeInvalEntry(reply, PARENT, 'x'.repeat(479), 0)).toBe(512);
  });
});
