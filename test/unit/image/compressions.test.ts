/** Tars in xz and bzip2, by the programs of these names: what comes out, and what is said where they are missing. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { compressionOf } from '../../../src/archive/compress/decompress.js';
import { resolveLayers } from '../../../src/image/add/layer-sources.js';
import { loadImages } from '../../../src/image/add/load-image.js';
import { blobPath, resolveImage } from '../../../src/image/catalog/image-index.js';
import { LayoutBuilder, sha256 } from '../../helpers/oci-layout.js';
import { tarBytes } from '../../helpers/tar-bytes.js';
import { ImageBench } from './layers-of.js';

const PROGRAMS = ['xz', 'bzip2'] as const;
const tar = tarBytes({ name: 'f', content: 'x'.repeat(300_000) });
const packed = (program: string, bytes: Buffer): Buffer => execFileSync(program, ['-c'], { input: bytes });

let bench: ImageBench;
beforeEach(() => {
  bench = new ImageBench();
});
afterEach(() => bench[Symbol.dispose]());

describe.each(PROGRAMS)('%s', (program) => {
  test('import makes a layer in gzip of it, with the diffID of the tar', async () => {
    const tree = await bench.unpack(packed(program, tar));
    expect(readFileSync(join(tree, 'f'), 'utf8')).toHaveLength(300_000);
    const { manifest, config } = resolveImage(bench.store, 'test');
    expect(config.rootfs.diff_ids).toEqual([`sha256:${sha256(tar)}`]);
    expect(manifest.layers[0]?.mediaType).toBe('application/vnd.oci.image.layer.v1.tar+gzip');
    const blob = readFileSync(blobPath(bench.store, manifest.layers[0]!.digest));
    expect(gunzipSync(blob).equals(tar)).toBe(true);
  });

  test('an archive in it, with layers in it, is loaded', async () => {
    const config = JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(tar)}`] },
    });
    const archive = tarBytes(
      { name: 'manifest.json', content: '[{"Config":"c.json","RepoTags":["a:1"],"Layers":["l.tar"]}]' },
      { name: 'c.json', content: config },
      { name: 'l.tar', content: packed(program, tar) },
    );
    const path = join(bench.root, 'archive');
    writeFileSync(path, packed(program, archive));
    await loadImages(bench.store, path);
    expect(resolveImage(bench.store, 'a:1').manifest.layers[0]?.mediaType).toMatch(/tar\+gzip$/);
    const layout = new LayoutBuilder();
    layout.name(layout.image([tar]), 'b:1');
    writeFileSync(path, packed(program, layout.tar()));
    await loadImages(bench.store, path);
    expect(resolveImage(bench.store, 'b:1').layers).toEqual(resolveImage(bench.store, 'a:1').layers);
  });

  test('-l takes it for a layer', async () => {
    const path = join(bench.root, 'layer');
    writeFileSync(path, packed(program, tar));
    const [tree] = await resolveLayers(bench.store, [path], '/');
    expect(readFileSync(join(tree!, 'f'), 'utf8')).toHaveLength(300_000);
  });

  test('what is cut off or damaged is refused, and leaves nothing', async () => {
    const whole = packed(
      program,
      tarBytes({ name: 'f', content: execFileSync('head', ['-c', '60000', process.execPath]) }),
    );
    await expect(bench.unpack(whole.subarray(0, -30))).rejects.toThrow(/truncated/);
    const damaged = Buffer.from(whole);
    damaged.fill(0x55, 20_000, 20_100);
    await expect(bench.unpack(damaged)).rejects.toThrow(/^the compressed data is damaged: [^\n]+$/);
    expect(bench.leftovers()).toEqual([]);
  });

  test('without the program, one line says what to install', async () => {
    const bytes = packed(program, tar);
    const { PATH } = process.env;
    mkdirSync(join(bench.root, 'bin'));
    process.env.PATH = join(bench.root, 'bin');
    try {
      await expect(bench.unpack(bytes)).rejects.toMatchObject({
        message: `cannot unpack ${program}: the program '${program}' is not there`,
        hint: expect.stringMatching(/^install (xz-utils|bzip2), or compress with gzip or zstd$/),
      });
    } finally {
      process.env.PATH = PATH;
    }
    expect(bench.leftovers()).toEqual([]);
  });
});

test('a tar whose first name begins like a compression is a tar', async () => {
  const tree = await bench.unpack(tarBytes({ name: 'BZh9', content: 'x' }));
  expect(readFileSync(join(tree, 'BZh9'), 'utf8')).toBe('x');
  expect(compressionOf(Buffer.from('BZh91AY&SY', 'latin1'))).toBe('bzip2');
  expect(compressionOf(packed('bzip2', Buffer.alloc(0)))).toBe('bzip2');
});
