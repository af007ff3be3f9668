/** A tar becomes a layer: what is kept, and what is refused. */

import { execFileSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { importImage } from '../../../src/image/import-image.js';
import { listRows } from '../../../src/image/list-rows.js';
import { paxRecord, pieceBytes, type TarPiece, tarBytes } from '../../helpers/tar-bytes.js';
import { ImageBench } from './layers-of.js';

let bench: ImageBench;
beforeEach(() => {
  bench = new ImageBench();
});
afterEach(() => bench[Symbol.dispose]());

const isRoot = process.geteuid?.() === 0;

function xattr(path: string, name: string): string {
  const args = ['-h', '--only-values', '--absolute-names', '-n', name, path];
  return execFileSync('getfattr', args, { encoding: 'latin1' });
}

describe('importImage()', () => {
  test('keeps modes, owners, times to the nanosecond, links and empty directories', async () => {
    const tree = await bench.unpack(
      tarBytes(
        { name: './', type: '5', mode: 0o751 },
        { name: './d/', type: '5', mode: 0o1777, mtime: 5 },
        { name: './d/f', content: 'hello', mode: 0o4755, uid: 7, gid: 8, pax: { mtime: '-1.25' } },
        { name: './l', type: '1', link: 'd/f' },
        { name: './s', type: '2', link: '../../outside' },
        { name: './fifo', type: '6', mode: 0o600 },
      ),
    );
    const file = lstatSync(join(tree, 'd/f'), { bigint: true });
    expect(Number(file.mode & 0o7777n)).toBe(0o4755);
    expect(file.mtimeNs).toBe(-1_250_000_000n);
    expect(file.nlink).toBe(2n);
    if (isRoot) expect([file.uid, file.gid]).toEqual([7n, 8n]);
    expect(readFileSync(join(tree, 'l'), 'utf8')).toBe('hello');
    expect(readlinkSync(join(tree, 's'))).toBe('../../outside');
    expect(statSync(join(tree, 'd')).mode & 0o7777).toBe(0o1777);
    expect(statSync(join(tree, 'd')).mtimeMs).toBe(5000);
    expect(statSync(tree).mode & 0o7777).toBe(0o751);
    expect(lstatSync(join(tree, 'fifo')).isFIFO()).toBe(true);
  });

  test('keeps names of any bytes, long names and binary attributes', async () => {
    const long = `${'d'.repeat(200)}/${'f'.repeat(250)}`;
    const tree = await bench.unpack(
      tarBytes(
        { name: '\xff\xfe', content: 'bytes' },
        { name: 'x', pax: { path: 'new\nline \xe9' } },
        { name: 'y', pax: { path: long }, content: 'long' },
        { name: 'z', pax: { 'SCHILY.xattr.user.raw': '\x00\xff=\n\x80' } },
        { name: '././@LongLink', type: 'L', content: `${'g'.repeat(120)}\0` },
        { name: 'g', content: 'gnu' },
      ),
    );
    const names = readdirSync(tree, { encoding: 'buffer' }).map((name) => name.toString('latin1'));
    expect(names.sort()).toEqual(
      ['d'.repeat(200), 'g'.repeat(120), 'new\nline \xe9', 'z', '\xff\xfe'].sort(),
    );
    expect(readFileSync(join(tree, long), 'utf8')).toBe('long');
    expect(xattr(join(tree, 'z'), 'user.raw')).toBe('\x00\xff=\n\x80');
  });

  test('reads all forms of sparse files that GNU tar writes', async () => {
    const source = join(bench.root, 'source');
    mkdirSync(source);
    for (const name of ['many', 'few']) {
      execFileSync('truncate', ['-s', '10M', join(source, name)]);
      const pieces = name === 'many' ? 40 : 2;
      for (let index = 0; index < pieces; index++) {
        const dd = ['if=/dev/urandom', `of=${join(source, name)}`, 'bs=4096', 'count=1', 'conv=notrunc'];
        execFileSync('dd', [...dd, `seek=${index * 50}`], { stdio: 'ignore' });
      }
    }
    const forms = ['--format=gnu', ...['0.0', '0.1', '1.0'].map((form) => `--sparse-version=${form}`)];
    for (const [index, form] of forms.entries()) {
      const format = index === 0 ? [] : ['--format=pax'];
      const tar = execFileSync('tar', ['-C', source, '-S', ...format, form, '-cf', '-', 'many', 'few'], {
        maxBuffer: 64 << 20,
      });
      const tree = await bench.unpack(tar, `form${index}:latest`);
      for (const name of ['many', 'few']) {
        expect(readFileSync(join(tree, name)).equals(readFileSync(join(source, name)))).toBe(true);
        expect(statSync(join(tree, name)).blocks).toBeLessThan(1000);
      }
    }
  });

  test('whiteouts and opaque marks are of the form of overlayfs, wherever they stand', async () => {
    const tree = await bench.unpack(
      tarBytes(
        { name: 'a/.wh.gone' },
        { name: 'a/.wh..wh..opq' },
        { name: 'a/kept', content: 'x' },
        { name: '.wh.dir' },
        { name: 'dir/', type: '5' },
        { name: 'later/', type: '5' },
        { name: '.wh.later' },
        { name: 'file', content: 'mine' },
        { name: '.wh.file' },
        { name: '.wh.over' },
        { name: 'over', content: 'mine' },
        { name: '.wh..wh.plnk/1.2', content: 'aufs' },
      ),
    );
    expect(readdirSync(tree).sort()).toEqual(['a', 'dir', 'file', 'later', 'over']);
    expect(readdirSync(join(tree, 'a')).sort()).toEqual(['gone', 'kept']);
    expect(lstatSync(join(tree, 'a/gone')).isCharacterDevice()).toBe(true);
    const opaque = isRoot ? 'trusted.overlay.opaque' : 'user.overlay.opaque';
    for (const name of ['a', 'dir', 'later']) expect(xattr(join(tree, name), opaque)).toBe('y');
    expect(readFileSync(join(tree, 'file'), 'utf8')).toBe('mine');
    expect(readFileSync(join(tree, 'over'), 'utf8')).toBe('mine');
  });

  test('the last of several entries of one name counts, whatever it is', async () => {
    const tree = await bench.unpack(
      tarBytes(
        { name: 'a', content: 'file' },
        { name: 'a/', type: '5' },
        { name: 'a/b', content: '1' },
        { name: 'a/b', content: 'second' },
        { name: 'c/', type: '5' },
        { name: 'c/d/e', content: 'deep' },
        { name: 'c', content: 'now a file' },
      ),
    );
    expect(readFileSync(join(tree, 'a/b'), 'utf8')).toBe('second');
    expect(readFileSync(join(tree, 'c'), 'utf8')).toBe('now a file');
  });

  test('a directory hides what is below when a file of its layer had its name', async () => {
    const tree = await bench.unpack(
      tarBytes(
        { name: 'f', content: 'file' },
        { name: 'f/', type: '5' },
        { name: 'd/', type: '5' },
        { name: 'd', type: '2', link: 'f' },
        { name: 'd/', type: '5' },
        { name: 'plain/', type: '5' },
        { name: 'plain/', type: '5' },
      ),
    );
    const opaque = isRoot ? 'trusted.overlay.opaque' : 'user.overlay.opaque';
    for (const name of ['f', 'd']) expect(xattr(join(tree, name), opaque)).toBe('y');
    expect(() => xattr(join(tree, 'plain'), opaque)).toThrow(/No such attribute/);
  });

  test('a link keeps the data of a name that is then deleted or replaced', async () => {
    const tree = await bench.unpack(
      tarBytes(
        { name: 'a', content: 'first' },
        { name: 'b', type: '1', link: 'a' },
        { name: 'a', content: 'second' },
        { name: 'a', type: '1', link: 'a' },
        { name: '.wh.b' },
        { name: 'c', type: '1', link: 'b' },
        { name: 's', type: '2', link: 'nowhere' },
        { name: 't', type: '1', link: 's' },
      ),
    );
    expect(['a', 'b', 'c'].map((name) => readFileSync(join(tree, name), 'utf8'))).toEqual([
      ...['second', 'first', 'first'],
    ]);
    expect(readlinkSync(join(tree, 't'))).toBe('nowhere');
  });

  test('gzip in several members, with zeros after the last', async () => {
    const parts = [
      tarBytes().subarray(0, 0),
      pieceBytes({ name: 'a' }),
      pieceBytes({ name: 'b' }),
      tarBytes(),
    ];
    const blob = Buffer.concat([...parts.map((part) => gzipSync(part)), Buffer.alloc(3000)]);
    expect(readdirSync(await bench.unpack(blob)).sort()).toEqual(['a', 'b']);
  });

  test('a tar in gzip has the same layer and another blob', async () => {
    const tar = tarBytes({ name: 'f', content: 'x'.repeat(100_000) });
    const plain = await bench.unpack(tar, 'plain:1');
    expect(await bench.unpack(gzipSync(tar), 'gzip:1')).toBe(plain);
    expect(readdirSync(bench.store.path('images/blobs/sha256'))).toHaveLength(6);
    expect(
      listRows(bench.store, new Map())
        .map((row) => `${row.repository}:${row.tag}`)
        .sort(),
    ).toEqual(['gzip:1', 'plain:1']);
  });

  test('absolute names, `/` itself, dots and absolute links all lie below the root', async () => {
    const tree = await bench.unpack(
      tarBytes(
        { name: '/', type: '5', mode: 0o751 },
        { name: './', type: '5', mode: 0o755 },
        { name: '/etc/', type: '5', mode: 0o750 },
        { name: '/etc/a', content: 'a' },
        { name: '//etc//./b', content: 'b' },
        { name: 'etc/x/../c', content: 'c' },
        { name: '/usr/hard', type: '1', link: '/etc/a' },
        { name: 'hard', type: '1', link: './/etc/../etc/b' },
        { name: '/soft', type: '2', link: '/etc/a' },
        { name: '/gone/.wh.x' },
        { name: './.wh.y' },
        { name: '/cut/.wh..wh..opq' },
        { name: '/.', type: '5', mode: 0o711 },
      ),
    );
    const read = (name: string): string => readFileSync(join(tree, name), 'utf8');
    expect(['etc/a', 'etc/b', 'etc/c', 'usr/hard', 'hard'].map(read)).toEqual(['a', 'b', 'c', 'a', 'b']);
    expect([statSync(tree).mode & 0o777, statSync(join(tree, 'etc')).mode & 0o777]).toEqual([0o711, 0o750]);
    expect(statSync(join(tree, 'usr/hard')).nlink).toBe(2);
    expect(readlinkSync(join(tree, 'soft'))).toBe('/etc/a');
    expect(lstatSync(join(tree, 'gone/x')).isCharacterDevice()).toBe(true);
    expect(lstatSync(join(tree, 'y')).isCharacterDevice()).toBe(true);
    const opaque = isRoot ? 'trusted.overlay.opaque' : 'user.overlay.opaque';
    expect(xattr(join(tree, 'cut'), opaque)).toBe('y');
  });

  test('a symlink of the same layer is followed while it stays inside', async () => {
    const tree = await bench.unpack(
      tarBytes(
        { name: 'lib', type: '2', link: 'usr/lib' },
        { name: 'lib/first', content: '1' },
        { name: 'usr/lib/', type: '5', mode: 0o711 },
        { name: 'usr/lib64', type: '2', link: '../lib' },
        { name: 'usr/lib64/second', content: '2' },
        { name: 'third', type: '1', link: 'lib/first' },
        { name: 'lib/first', type: '1', link: 'usr/lib/first' },
        { name: 'lib/.wh.gone' },
        { name: 'lib/', type: '5' },
        { name: 'lib/own', content: 'own' },
      ),
    );
    expect(readdirSync(join(tree, 'usr/lib')).sort()).toEqual(['first', 'gone', 'second']);
    expect(statSync(join(tree, 'usr/lib')).mode & 0o777).toBe(0o711);
    expect(readFileSync(join(tree, 'third'), 'utf8')).toBe('1');
    // A directory takes the symlink's place, as Docker has it.
    expect(readdirSync(join(tree, 'lib'))).toEqual(['own']);
  });

  test('a name that is taken away leaves its image without one', async () => {
    await bench.unpack(tarBytes({ name: 'a' }), 'x:1');
    await bench.unpack(tarBytes({ name: 'b' }), 'x:1');
    const rows = listRows(bench.store, new Map());
    expect(rows.map(({ repository }) => repository).sort()).toEqual(['<none>', 'x']);
    expect(listRows(bench.store, new Map([['dangling', ['true']]]))).toHaveLength(1);
  });
});

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
    /unpack 'a\\nb\/..\/..\/x': [^\n]*$/,
  ],
  [
    'a terminal escape in a name that leads out',
    tarBytes({ name: '../\x1b[31m' }),
    /'..\/\\x1b\[31m' leads out/,
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
