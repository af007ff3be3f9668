import { describe, expect, it } from 'vitest';
import {
  FUSE_DEV_IOC_BACKING_CLOSE,
  FUSE_DEV_IOC_BACKING_OPEN,
  FUSE_DEV_IOC_CLONE,
  FUSE_DEV_IOC_SYNC_INIT,
} from '../../../src/fuse/abi/abi.js';
import * as flags from '../../../src/fuse/abi/abi-flags.js';
import * as opcodes from '../../../src/fuse/abi/abi-opcodes.js';

describe('opcodeName()', () => {
  const constants = Object.entries(opcodes).filter(([name]) => name.startsWith('FUSE_'));

  it.each(constants)('names %s, %d', (name, opcode) => {
    expect(`FUSE_${opcodes.opcodeName(opcode as number)}`).toBe(name);
    expect(opcode).toBeLessThan(opcodes.OPCODE_LIMIT);
  });

  it('gives the number of an opcode it does not know', () => {
    expect(opcodes.opcodeName(7)).toBe('opcode 7');
    expect(opcodes.opcodeName(99)).toBe('opcode 99');
    expect(opcodes.opcodeName(0xffffffff)).toBe('opcode 4294967295');
  });
});

describe('flags', () => {
  it('are single bits', () => {
    for (const [name, value] of Object.entries(flags)) {
      expect(value > 0 && Math.log2(value) % 1 === 0, name).toBe(true);
    }
  });

  it('of the second INIT word sit 32 bits lower than in the header', () => {
    expect(flags.FUSE_SECURITY_CTX_2).toBe(2 ** (32 - 32));
    expect(flags.FUSE_CREATE_SUPP_GROUP_2).toBe(2 ** (34 - 32));
    expect(flags.FUSE_PASSTHROUGH_2).toBe(2 ** (37 - 32));
    expect(flags.FUSE_HAS_RESEND_2).toBe(2 ** (39 - 32));
    expect(flags.FUSE_REQUEST_TIMEOUT_2).toBe(2 ** (42 - 32));
  });
});

describe('ioctl numbers', () => {
  it('are those of asm-generic/ioctl.h', () => {
    expect(FUSE_DEV_IOC_CLONE).toBe(0x8004e500);
    expect(FUSE_DEV_IOC_BACKING_OPEN).toBe(0x4010e501);
    expect(FUSE_DEV_IOC_BACKING_CLOSE).toBe(0x4004e502);
    expect(FUSE_DEV_IOC_SYNC_INIT).toBe(0xe503);
  });
});
