/** A tar becomes a layer: what is kept, and what is refused. */

import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { listRows } from '../../../src/image/catalog/list-rows.js';
import { pieceBytes, tarBytes } from '../../helpers/tar-bytes.js';
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
