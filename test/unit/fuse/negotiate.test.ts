import { describe, expect, it } from 'vitest';
import * as flag from '../../../src/fuse/abi/abi-flags.js';
import { InitIn } from '../../../src/fuse/messages/decode-misc.js';
import { REPLY_BODY, ReplyBuffer } from '../../../src/fuse/messages/reply.js';
import { encodeInit, negotiate, type SessionLimits } from '../../../src/fuse/negotiate.js';
import { hex } from '../../helpers/wire-requests.js';

/** What each kernel offers: 6.18's read from /dev/fuse, the others all bits of their time but FILE_OPS and those of virtiofs. */
const kernels = [
  { version: '5.4', minor: 31, flags: 0x03fffffb, flags2: 0 },
  { version: '5.17', minor: 36, flags: 0x73fffffb, flags2: 0x03 },
  { version: '6.10', minor: 40, flags: 0x73fffffb, flags2: 0xff },
  { version: '6.18', minor: 45, flags: 0x73fffffb, flags2: 0x5fd },
];

function offer(change: Partial<InitIn>): InitIn {
  return Object.assign(new InitIn(), { major: 7, minor: 45, maxReadahead: 0x20000 }, change);
}

const plain: SessionLimits = { passthrough: false, maxStackDepth: 1, writeback: false };

const ALWAYS =
  flag.FUSE_ASYNC_READ |
  flag.FUSE_ATOMIC_O_TRUNC |
  flag.FUSE_BIG_WRITES |
  flag.FUSE_DONT_MASK |
  flag.FUSE_AUTO_INVAL_DATA |
  flag.FUSE_DO_READDIRPLUS |
  flag.FUSE_READDIRPLUS_AUTO |
  flag.FUSE_ASYNC_DIO |
  flag.FUSE_PARALLEL_DIROPS |
  flag.FUSE_POSIX_ACL |
  flag.FUSE_ABORT_ERROR |
  flag.FUSE_MAX_PAGES |
  flag.FUSE_CACHE_SYMLINKS |
  flag.FUSE_NO_OPENDIR_SUPPORT;
const SINCE_5_17 = ALWAYS | flag.FUSE_HANDLE_KILLPRIV_V2 | flag.FUSE_SETXATTR_EXT;
const EXT = flag.FUSE_INIT_EXT;

describe('negotiate()', () => {
  it.each([
    { kernel: 0, options: 'plain', flags: ALWAYS, flags2: 0 },
    { kernel: 0, options: 'passthrough', flags: ALWAYS, flags2: 0 },
    { kernel: 0, options: 'writeback', flags: ALWAYS | flag.FUSE_WRITEBACK_CACHE, flags2: 0 },
    { kernel: 0, options: 'both', flags: ALWAYS | flag.FUSE_WRITEBACK_CACHE, flags2: 0 },
    { kernel: 1, options: 'plain', flags: SINCE_5_17, flags2: 0 },
    { kernel: 1, options: 'both', flags: SINCE_5_17 | flag.FUSE_WRITEBACK_CACHE, flags2: 0 },
    { kernel: 2, options: 'plain', flags: SINCE_5_17 | EXT, flags2: 0xd8 },
    { kernel: 2, options: 'passthrough', flags: SINCE_5_17 | EXT, flags2: 0xf8 },
    { kernel: 2, options: 'both', flags: SINCE_5_17 | EXT, flags2: 0xf8 },
    { kernel: 3, options: 'plain', flags: SINCE_5_17 | EXT, flags2: 0xd8 },
    { kernel: 3, options: 'passthrough', flags: SINCE_5_17 | EXT, flags2: 0xf8 },
    { kernel: 3, options: 'writeback', flags: SINCE_5_17 | EXT | flag.FUSE_WRITEBACK_CACHE, flags2: 0xd8 },
    { kernel: 3, options: 'both', flags: SINCE_5_17 | EXT, flags2: 0xf8 },
  ])('kernel $kernel, $options: asks for what is offered and wanted', ({
    kernel,
    options,
    flags,
    flags2,
  }) => {
    const { minor, flags: offered, flags2: offered2 } = kernels[kernel]!;
    const out = negotiate(offer({ minor, flags: offered, flags2: offered2 }), {
      passthrough: options === 'passthrough' || options === 'both',
      maxStackDepth: 2,
      writeback: options === 'writeback' || options === 'both',
    });
    expect({ flags: out.flags.toString(16), flags2: out.flags2.toString(16) }).toEqual({
      flags: flags.toString(16),
      flags2: flags2.toString(16),
    });
    expect(out.features.passthrough).toBe((flags2 & flag.FUSE_PASSTHROUGH_2) !== 0);
    expect(out.features.writeback).toBe((flags & flag.FUSE_WRITEBACK_CACHE) !== 0);
    expect(out.maxStackDepth).toBe(out.features.passthrough ? 2 : 0);
    expect(out.minor).toBe(minor);
  });

  const words = [
    ['FUSE_DO_READDIRPLUS', flag.FUSE_DO_READDIRPLUS, 'readdirplus'],
    ['FUSE_PARALLEL_DIROPS', flag.FUSE_PARALLEL_DIROPS, 'parallelDirops'],
    ['FUSE_CACHE_SYMLINKS', flag.FUSE_CACHE_SYMLINKS, 'cacheSymlinks'],
    ['FUSE_POSIX_ACL', flag.FUSE_POSIX_ACL, 'posixAcl'],
    ['FUSE_HANDLE_KILLPRIV_V2', flag.FUSE_HANDLE_KILLPRIV_V2, 'killprivV2'],
    ['FUSE_SETXATTR_EXT', flag.FUSE_SETXATTR_EXT, 'setxattrExt'],
    ['FUSE_ATOMIC_O_TRUNC', flag.FUSE_ATOMIC_O_TRUNC, 'atomicTruncate'],
    ['FUSE_NO_OPENDIR_SUPPORT', flag.FUSE_NO_OPENDIR_SUPPORT, 'noOpendir'],
    ['FUSE_HAS_EXPIRE_ONLY_2', flag.FUSE_HAS_EXPIRE_ONLY_2, 'expireOnly'],
    ['FUSE_DIRECT_IO_ALLOW_MMAP_2', flag.FUSE_DIRECT_IO_ALLOW_MMAP_2, 'directIoMmap'],
    ['FUSE_HAS_RESEND_2', flag.FUSE_HAS_RESEND_2, 'resend'],
    ['FUSE_PASSTHROUGH_2', flag.FUSE_PASSTHROUGH_2, 'passthrough'],
  ] as const;

  it.each(words)('%s, bit %d, is reported as %s exactly when offered', (name, bit, feature) => {
    const second = name.endsWith('_2');
    const options = { ...plain, passthrough: true };
    const all = { flags: 0x73fffffb, flags2: 0x7ff };
    const without = second
      ? { flags: all.flags, flags2: all.flags2 & ~bit }
      : { flags: all.flags & ~bit, flags2: all.flags2 };
    expect(negotiate(offer(all), options).features[feature]).toBe(true);
    const out = negotiate(offer(without), options);
    expect(out.features[feature]).toBe(false);
    expect((second ? out.flags2 : out.flags) & bit).toBe(0);
  });

  it('never asks for what was not offered', () => {
    for (let bit = 0; bit < 31; bit++) {
      const out = negotiate(offer({ flags: 1 << bit, flags2: 0x7ff }), {
        passthrough: true,
        maxStackDepth: 1,
        writeback: true,
      });
      expect(out.flags & ~(1 << bit)).toBe(0);
      if (1 << bit !== EXT) expect(out.flags2).toBe(0);
    }
  });

  it('leaves splice, locks, export, uring, idmap and the group of a creator alone', () => {
    const out = negotiate(offer({ flags: 0x7fffffff, flags2: 0x7ff }), plain);
    const unwanted =
      flag.FUSE_SPLICE_READ |
      flag.FUSE_SPLICE_WRITE |
      flag.FUSE_SPLICE_MOVE |
      flag.FUSE_POSIX_LOCKS |
      flag.FUSE_FLOCK_LOCKS |
      flag.FUSE_EXPORT_SUPPORT |
      flag.FUSE_EXPLICIT_INVAL_DATA |
      flag.FUSE_NO_OPEN_SUPPORT;
    expect(out.flags & unwanted).toBe(0);
    expect(
      out.flags2 & (flag.FUSE_OVER_IO_URING_2 | flag.FUSE_ALLOW_IDMAP_2 | flag.FUSE_CREATE_SUPP_GROUP_2),
    ).toBe(0);
  });

  it('answers 7.45 to a newer kernel', () => {
    expect(negotiate(offer({ minor: 60 }), plain).minor).toBe(45);
  });

  it('asks for 128 KiB at a time where large requests are not offered', () => {
    expect(negotiate(offer({ flags: 0 }), plain)).toMatchObject({ maxWrite: 131072, maxPages: 0 });
    expect(negotiate(offer({ flags: flag.FUSE_MAX_PAGES }), plain)).toMatchObject({
      maxWrite: 1048576,
      maxPages: 256,
    });
  });

  it.each([
    [7, 30],
    [6, 45],
    [8, 0],
  ])('refuses protocol %d.%d, naming it', (major, minor) => {
    expect(() => negotiate(offer({ major, minor }), plain)).toThrow(
      expect.objectContaining({
        code: 'EPROTO',
        message: expect.stringContaining(`protocol ${major}.${minor}, plyfs needs 7.31`),
      }),
    );
  });

  it.each([
    0,
    3,
    Number.NaN,
  ])('refuses a stack depth of %d, with which the kernel would ignore passthrough', (depth) => {
    expect(() => negotiate(offer({}), { ...plain, passthrough: true, maxStackDepth: depth })).toThrow(
      RangeError,
    );
  });
});

describe('encodeInit()', () => {
  it('writes 64 bytes', () => {
    const reply = new ReplyBuffer(512);
    reply.bytes.fill(0xee);
    const options = { passthrough: true, maxStackDepth: 2, writeback: false };
    encodeInit(reply, negotiate(offer({ flags: 0x73fffffb, flags2: 0x7ff }), options));
    expect(reply.bytes.subarray(REPLY_BODY, reply.length)).toEqual(
      hex(`07 00 00 00 2d 00 00 00 00 00 10 00 69 f0 f4 71 40 00 30 00 00 00 10 00 01 00 00 00 00 01 00 00
        f8 00 00 00 02 00 00 00 ${'00 '.repeat(24)}`),
    );
  });
});
