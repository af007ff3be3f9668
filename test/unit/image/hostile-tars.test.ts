/** Tars that want out, lie about their size, or are damaged: refused, or harmless, and nothing is left behind. */

import { execFileSync } from 'node:child_process';
import { lstatSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { importImage } from '../../../src/image/add/import-image.js';
import { paxRecord, pieceBytes, type TarPiece, tarBytes } from '../../helpers/tar-bytes.js';
import { ImageBench } from './layers-of.js';

let bench: ImageBench;
beforeEach(() => {
  bench = new ImageBench();
});
afterEach(() => bench[Symbol.dispose]());

function xattr(path: string, name: string): string {
  const args = ['-h', '--only-values', '--absolute-names', '-n', name, path];
  return execFileSync('getfattr', args, { encoding: 'latin1' });
}

const largeRecord = paxRecord('comment', 'x'.repeat(2 << 20));
const whole: TarPiece = { name: 'ok', content: 'fine' };
const cut = (bytes: Buffer, end: number): Buffer => bytes.subarray(0, bytes.length - end);

const hostile: readonly (readonly [what: string, tar: Buffer, message: RegExp])[] = [
  ['..', tarBytes(whole, { name: '../x' }), /cannot unpack '..\/x': '..\/x' leads out with '..'/],
  ['.. inside', tarBytes(whole, { name: 'a/../../x' }), /leads out with '..'/],
  ['.. below the root', tarBytes(whole, { name: '/../etc/x' }), /'\/..\/etc\/x' leads out with '..'/],
  [
    'a symlink, then a file through it',
    tarBytes({ name: 'l', type: '2', link: '/etc' }, { name: 'l/x', content: 'x' }),
    /cannot unpack 'l\/x': an entry leads through the symlink 'l' of the same layer, and out of it/,
  ],
  [
    'a symlink that leads up and out, then a directory through it',
    tarBytes({ name: 'a/l', type: '2', link: '../../x' }, { name: 'a/l/d/', type: '5' }, { name: 'a/l/d/f' }),
    /leads through the symlink 'a\/l'/,
  ],
  [
    'a symlink to what leads out',
    tarBytes(
      { name: 'out', type: '2', link: '/' },
      { name: 'in', type: '2', link: 'out' },
      { name: 'in/etc/x' },
    ),
    /leads through the symlink 'out'/,
  ],
  [
    'symlinks in a circle',
    tarBytes({ name: 'a', type: '2', link: 'b' }, { name: 'b', type: '2', link: 'a' }, { name: 'a/x' }),
    /leads through the symlink/,
  ],
  [
    'a whiteout through a symlink, and then a file',
    tarBytes({ name: 'l', type: '2', link: '/etc' }, { name: 'l/.wh.passwd' }, { name: 'l/x' }),
    /leads through the symlink 'l'/,
  ],
  [
    'a directory replaced by a symlink out',
    tarBytes({ name: 'd/f' }, { name: 'd', type: '2', link: '/etc' }, { name: 'd/f' }),
    /leads through the symlink 'd'/,
  ],
  [
    'a hard link to an absolute path that is not there',
    tarBytes({ name: 'h', type: '1', link: '/etc/passwd' }),
    /link to '\/etc\/passwd', which the layer has no file of/,
  ],
  ['a symlink to nothing', tarBytes({ name: 'l', type: '2', link: '' }), /cannot unpack 'l'/],
  [
    'a symlink longer than a path can be',
    tarBytes({ name: 'l', type: '2', pax: { linkpath: 'x'.repeat(5000) } }),
    /cannot unpack 'l': .*too long/,
  ],
  [
    'an attribute that is too large',
    tarBytes({ name: 'f', pax: { 'SCHILY.xattr.user.big': 'x'.repeat(70_000) } }),
    /cannot unpack 'f': /,
  ],
  [
    'an attribute without a name',
    tarBytes({ name: 'f', pax: { 'SCHILY.xattr.': 'x' } }),
    /cannot unpack 'f': |no name|invalid tar/,
  ],
  [
    'a device that a hard link names, and a file through it',
    tarBytes({ name: 'n', type: '3', major: 5000, minor: 1 }),
    /5000:1 is no device number/,
  ],
  ['a hard link below the root out', tarBytes({ name: 'h', type: '1', link: '/../x' }), /leads out/],
  ['a hard link out', tarBytes({ name: 'h', type: '1', link: '../x' }), /leads out/],
  [
    'a hard link through a symlink',
    tarBytes({ name: 'l', type: '2', link: '/etc' }, { name: 'h', type: '1', link: 'l/passwd' }),
    /leads through the symlink 'l'/,
  ],
  ['a hard link to nothing', tarBytes({ name: 'h', type: '1', link: 'none' }), /the layer has no file of/],
  [
    'a hard link to what is deleted',
    tarBytes({ name: '.wh.gone' }, { name: 'h', type: '1', link: 'gone' }),
    /the layer has no file of/,
  ],
  [
    'a hard link to a directory',
    tarBytes({ name: 'd/', type: '5' }, { name: 'h', type: '1', link: 'd' }),
    /no file of/,
  ],
  ['a negative size', tarBytes({ name: 'x', rawSize: Buffer.alloc(12, 0xff) }), /at 'x': a size is negative/],
  [
    'a size beyond all numbers',
    tarBytes({ name: 'x', rawSize: Buffer.from('80000000ffffffffffffffff', 'hex') }),
    /number that is too large/,
  ],
  [
    'a size of 8 GiB that is not there',
    tarBytes({ name: 'x', rawSize: Buffer.from('77777777777\0') }),
    /truncated/,
  ],
  [
    'a size of 8 PiB by pax',
    tarBytes({ name: 'x', pax: { size: String(2 ** 53 - 1) } }),
    /files are larger than/,
  ],
  ['an owner that is none', tarBytes({ name: 'x', pax: { uid: String(2 ** 32 - 1) } }), /is no id/],
  [
    'headers without end before an entry',
    Buffer.concat(
      Array.from({ length: 3 }, () => pieceBytes({ name: 'x', type: 'x', content: largeRecord })),
    ),
    /headers of an entry are larger than 4 MiB/,
  ],
  [
    'large headers for all entries',
    tarBytes({ name: 'g', type: 'g', content: largeRecord }),
    /headers for all entries are larger than 64 KiB/,
  ],
  [
    'a newline in a name that leads out',
    tarBytes({ name: 'a\nb/../../x' }),
    /unpack 'a'\$'\\n''b\/..\/..\/x': [^\n]*$/,
  ],
  [
    'a terminal escape in a name that leads out',
    tarBytes({ name: '../\x1b[31m' }),
    /'..\/'\$'\\033''\[31m' leads out/,
  ],
  ['a whiteout of ..', tarBytes({ name: '.wh...' }), /the whiteout names nothing/],
  ['a whiteout of .', tarBytes({ name: 'a/.wh..' }), /the whiteout names nothing/],
  ['a file in a whiteout', tarBytes({ name: '.wh.a/b' }), /inside a whiteout/],
  ['a device 0:0', tarBytes({ name: 'w', type: '3' }), /device 0:0/],
  ['a name too long', tarBytes({ name: 'x', pax: { path: 'n'.repeat(256) } }), /file name too long/],
  ['a path too long', tarBytes({ name: 'x', pax: { path: 'n/'.repeat(3000) } }), /longer than 4096/],
  ['a NUL in a name', tarBytes({ name: 'x', pax: { path: 'a\0b' } }), /NUL/],
  ['a root that is a file', tarBytes({ name: './' }, { name: '.', content: 'x' }), /root of a layer/],
  ['a wrong checksum', tarBytes(whole, { name: 'x', wrongChecksum: 1 }), /checksum of a header is wrong/],
  ['no tar at all', Buffer.alloc(2000, 'text'), /checksum of a header is wrong/],
  ['an empty file', Buffer.alloc(0), /truncated/],
  ['data cut off', cut(tarBytes({ name: 'x', content: 'y'.repeat(2000) }), 2000), /truncated/],
  ['the end cut off', cut(tarBytes(whole), 1024), /truncated/],
  ['a size that is none', tarBytes({ name: 'x', pax: { size: '-5' } }), /is no number/],
  [
    'a pax header without end',
    tarBytes({ name: 'x', type: 'x', content: '99 a=b\n' }),
    /pax header is malformed/,
  ],
  ['an unknown type', tarBytes({ name: 'x', type: 'Z' }), /type 'Z' are not supported/],
  ['gzip cut off', cut(gzipSync(tarBytes(whole)), 12), /truncated/],
  ['gzip damaged', damaged(gzipSync(tarBytes(whole))), /compressed data is damaged|truncated/],
  ['xz cut off', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0, 0]), /truncated/],
  [
    'a sparse map that overlaps',
    tarBytes({ name: 's', content: 'abcd', pax: { 'GNU.sparse.size': '9', 'GNU.sparse.map': '0,2,1,2' } }),
    /overlap or leave it/,
  ],
  [
    'a sparse map that leaves the file',
    tarBytes({ name: 's', content: 'abcd', pax: { 'GNU.sparse.size': '3', 'GNU.sparse.map': '0,4' } }),
    /overlap or leave it/,
  ],
];

function damaged(bytes: Buffer): Buffer {
  bytes[bytes.length - 6] = bytes[bytes.length - 6]! ^ 0xff;
  return bytes;
}

describe('a hostile tar is refused and leaves nothing', () => {
  for (const [what, tar, message] of hostile) {
    test(what, async () => {
      await expect(bench.unpack(tar)).rejects.toThrow(message);
      expect(bench.leftovers()).toEqual([]);
    });
  }

  test('a bomb in xz, bzip2 or zstd', async () => {
    const tar = tarBytes({ name: 'zero', content: Buffer.alloc(8 << 20) });
    process.env.PLYFS_LAYER_BYTES = String(1 << 20);
    try {
      for (const program of ['xz', 'bzip2', 'zstd']) {
        const bomb = execFileSync(program, ['-c'], { input: tar });
        await expect(bench.unpack(bomb)).rejects.toThrow(/files are larger than 1048576 bytes/);
      }
    } finally {
      delete process.env.PLYFS_LAYER_BYTES;
    }
    expect(bench.leftovers()).toEqual([]);
  });

  test('a file is never written through a symlink or hard link that was planted under its name', async () => {
    const victim = join(bench.root, 'victim');
    writeFileSync(victim, 'mine');
    const tree = await bench.unpack(
      tarBytes(
        { name: 'l', type: '2', link: victim },
        { name: 'h', type: '1', link: 'l' },
        { name: 'l', content: 'theirs' },
        { name: 'h', content: 'theirs' },
        { name: 'd', type: '2', link: bench.root },
        { name: 'd/', type: '5', mode: 0o700 },
        { name: 'd/victim', content: 'theirs' },
      ),
    );
    expect(readFileSync(victim, 'utf8')).toBe('mine');
    for (const name of ['l', 'h', 'd/victim']) expect(lstatSync(join(tree, name)).isFile()).toBe(true);
  });

  test('attributes of overlayfs that were planted mean nothing', async () => {
    const planted = {
      'SCHILY.xattr.trusted.overlay.opaque': 'y',
      'SCHILY.xattr.user.overlay.opaque': 'y',
      'SCHILY.xattr.trusted.overlay.redirect': '/etc',
      'SCHILY.xattr.user.overlay.metacopy': '',
    };
    const tree = await bench.unpack(
      tarBytes({ name: 'd/', type: '5', pax: planted }, { name: 'd/f', pax: planted }),
    );
    for (const name of ['d', 'd/f']) {
      for (const key of ['trusted.overlay.opaque', 'trusted.overlay.redirect']) {
        expect(() => xattr(join(tree, name), key)).toThrow(/No such attribute/);
      }
    }
  });

  test('a bomb of bytes, and one of entries', async () => {
    const bomb = gzipSync(tarBytes({ name: 'zero', content: Buffer.alloc(8 << 20) }));
    process.env.PLYFS_LAYER_BYTES = String(1 << 20);
    process.env.PLYFS_LAYER_ENTRIES = '1000';
    try {
      await expect(bench.unpack(bomb)).rejects.toThrow(/files are larger than 1048576 bytes/);
      const skipped = tarBytes({ name: 'label', type: 'V', content: Buffer.alloc(8 << 20) });
      const zeros = Buffer.concat([tarBytes(whole), Buffer.alloc(8 << 20)]);
      for (const tar of [skipped, zeros]) {
        await expect(bench.unpack(gzipSync(tar))).rejects.toThrow(/tar is larger than 3145728 bytes/);
      }
      const many = Array.from({ length: 1100 }, (_, index) => ({ name: `e${index}` }));
      await expect(bench.unpack(tarBytes(...many))).rejects.toThrow(/more than 1000 entries/);
      const deep = { name: 'x', pax: { path: 'd/'.repeat(1500) } };
      await expect(bench.unpack(tarBytes(deep))).rejects.toThrow(/more than 1000 entries/);
    } finally {
      delete process.env.PLYFS_LAYER_BYTES;
      delete process.env.PLYFS_LAYER_ENTRIES;
    }
    expect(bench.leftovers()).toEqual([]);
  });

  test('a million empty entries', async () => {
    function* many(): Generator<Buffer> {
      for (let at = 0; at < 1_000_000; at++) yield pieceBytes({ name: `e${at}` });
    }
    process.env.PLYFS_LAYER_ENTRIES = '5000';
    try {
      const options = { name: undefined, config: {}, comment: '' };
      await expect(importImage(bench.store, many(), options)).rejects.toThrow(/more than 5000 entries/);
    } finally {
      delete process.env.PLYFS_LAYER_ENTRIES;
    }
    expect(bench.leftovers()).toEqual([]);
  });

  test('nothing beside the store is touched', async () => {
    writeFileSync(join(bench.root, 'x'), 'before');
    await expect(bench.unpack(tarBytes({ name: '../../../x', content: 'after' }))).rejects.toThrow();
    expect(readFileSync(join(bench.root, 'x'), 'utf8')).toBe('before');
  });
});
