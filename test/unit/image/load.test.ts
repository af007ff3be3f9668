/** Layouts and archives become images, or are refused and leave nothing. */

import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadImages } from '../../../src/image/add/load-image.js';
import { layerTreePath, listImages, resolveImage } from '../../../src/image/catalog/image-index.js';
import { layerTreePaths } from '../../../src/image/catalog/layer-record.js';
import { saveImages } from '../../../src/image/layout/save-image.js';
import { parsePlatform } from '../../../src/image/oci/platform.js';
import { LayoutBuilder, sha256 } from '../../helpers/oci-layout.js';
import { tarBytes } from '../../helpers/tar-bytes.js';
import { ImageBench } from './layers-of.js';

let bench: ImageBench;
let layout: LayoutBuilder;
beforeEach(() => {
  bench = new ImageBench();
  layout = new LayoutBuilder();
});
afterEach(() => bench[Symbol.dispose]());

const base = tarBytes(
  { name: 'etc/', type: '5', mode: 0o750, mtime: 77 },
  { name: 'etc/a', content: 'a' },
  { name: 'opt/', type: '5', mode: 0o711, mtime: 78, pax: { 'SCHILY.xattr.user.k': 'v' } },
);
const over = tarBytes(
  { name: 'etc/b', content: 'b' },
  { name: 'etc/.wh.a' },
  { name: 'opt/x/y', content: 'y' },
);

function write(name: string, bytes: Buffer): string {
  const path = join(bench.root, name);
  writeFileSync(path, bytes);
  return path;
}

const load = (path: string, platform?: string) =>
  loadImages(bench.store, path, platform === undefined ? {} : { platform: parsePlatform(platform) });

async function bytesOf(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

describe('loadImages()', () => {
  test('reads a layout as a directory, a tar and a compressed tar, with the same result', async () => {
    layout.name(layout.image([base, over], { gzip: true }), 'app:1');
    const paths = [
      layout.writeTo(join(bench.root, 'dir')),
      write('a.tar', layout.tar()),
      write('a.tar.gz', gzipSync(layout.tar())),
    ];
    for (const path of paths) {
      const { images } = await load(path);
      expect(images.map(({ names }) => names)).toEqual([['app:1']]);
    }
    expect(bench.store.names('layers')).toHaveLength(2);
    expect(listImages(bench.store)).toHaveLength(1);
  });

  test('directories that a layer does not describe are those of the layers below', async () => {
    layout.name(layout.image([base, over]), 'app:1');
    await load(write('a.tar', layout.tar()));
    const tree = layerTreePath(bench.store, resolveImage(bench.store, 'app:1').layers[1]!);
    expect(statSync(join(tree, 'etc')).mode & 0o7777).toBe(0o750);
    expect(statSync(join(tree, 'etc')).mtimeMs).toBe(77_000);
    expect(statSync(join(tree, 'opt')).mode & 0o7777).toBe(0o711);
    expect(statSync(join(tree, 'opt/x')).mode & 0o7777).toBe(0o755);
    expect(lstatSync(join(tree, 'etc/a')).isCharacterDevice()).toBe(true);
  });

  test('a directory of which a layer only deletes something is there when the layers below have it', async () => {
    const deleting = tarBytes(
      { name: 'etc/.wh.a' },
      { name: 'opt/.wh..wh..opq' },
      { name: 'none/deep/.wh.x' },
      { name: 'file/.wh.x' },
      { name: '.wh.gone' },
      { name: 'gone/.wh.x' },
      { name: 'later/.wh.x' },
      { name: '.wh.later' },
      { name: 'mine/', type: '5', mtime: 99 },
      { name: 'mine/none/.wh.x' },
    );
    const below = tarBytes(
      { name: 'etc/', type: '5', mode: 0o750, mtime: 77 },
      { name: 'opt/', type: '5', mode: 0o711, mtime: 78 },
      { name: 'file', content: 'f' },
      { name: 'gone/x', content: 'x' },
      { name: 'later/x', content: 'x' },
    );
    layout.name(layout.image([below, deleting]), 'app:1');
    await load(write('a.tar', layout.tar()));
    const tree = layerTreePath(bench.store, resolveImage(bench.store, 'app:1').layers[1]!);
    expect(readdirSync(tree).sort()).toEqual(['etc', 'gone', 'later', 'mine', 'opt']);
    for (const name of ['gone', 'later', 'etc/a']) {
      expect(lstatSync(join(tree, name)).isCharacterDevice()).toBe(true);
    }
    expect(statSync(join(tree, 'opt')).mode & 0o7777).toBe(0o711);
    expect(statSync(join(tree, 'opt')).mtimeMs).toBe(78_000);
    expect(readdirSync(join(tree, 'mine'))).toEqual([]);
    expect(statSync(join(tree, 'mine')).mtimeMs).toBe(99_000);
  });

  test('a root that is opaque cuts the layers below it', async () => {
    layout.name(
      layout.image([base, tarBytes({ name: '.wh..wh..opq' }, { name: 'new', content: 'n' })]),
      'app:1',
    );
    await load(write('a.tar', layout.tar()));
    const { layers } = resolveImage(bench.store, 'app:1');
    expect(layers).toHaveLength(2);
    expect(layerTreePaths(bench.store, layers)).toEqual([layerTreePath(bench.store, layers[1]!)]);
  });

  test('takes the image of the platform out of an index', async () => {
    const platforms = [
      ['amd64', undefined],
      ['arm64', 'v8'],
    ] as const;
    const manifests = platforms.map(([architecture, variant]) => ({
      ...layout.image([tarBytes({ name: architecture })], { config: { architecture } }),
      platform: { os: 'linux', architecture, ...(variant === undefined ? {} : { variant }) },
    }));
    const index = layout.json({ schemaVersion: 2, manifests }, 'application/vnd.oci.image.index.v1+json');
    const path = write('a.tar', layout.name(index, 'multi:1').tar());
    await load(path, 'linux/arm64');
    expect(resolveImage(bench.store, 'multi:1').config.architecture).toBe('arm64');
    await expect(load(path, 'linux/riscv64')).rejects.toThrow(`'${path}' has no image for linux/riscv64`);
    await expect(load(path, 'arm64/v8')).rejects.toThrow(/no image for arm64\/v8/);
  });

  test('reads what docker save writes, with layers that are linked', async () => {
    const config = Buffer.from(
      JSON.stringify({
        architecture: 'amd64',
        os: 'linux',
        rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(base)}`, `sha256:${sha256(over)}`] },
      }),
    );
    const list = [
      { Config: 'c.json', RepoTags: ['app:1', 'app:2'], Layers: ['l1/layer.tar', 'l2/layer.tar'] },
    ];
    const tar = tarBytes(
      { name: 'l1/layer.tar', type: '2', link: '../x.tar' },
      { name: 'x.tar', content: base },
      { name: 'l2/layer.tar', content: gzipSync(over) },
      { name: 'c.json', content: config },
      { name: 'manifest.json', content: JSON.stringify(list) },
    );
    const { images } = await load(write('d.tar', tar));
    expect(images.map(({ id, names }) => [id, names])).toEqual([
      [`sha256:${sha256(config)}`, ['app:1', 'app:2']],
    ]);
  });

  test('reads what docker save wrote before it had a list', async () => {
    const json = (id: string, parent?: string): string =>
      JSON.stringify({
        ...{ id, parent, created: '2015-01-01T00:00:00Z', architecture: 'amd64', os: 'linux' },
        container_config: { Cmd: ['/bin/sh', '-c', `make ${id}`] },
        config: { Env: ['A=b'] },
      });
    const tar = tarBytes(
      { name: 'low/json', content: json('low') },
      { name: 'low/layer.tar', content: base },
      { name: 'top/json', content: json('top', 'low') },
      { name: 'top/layer.tar', content: gzipSync(over) },
      {
        name: 'repositories',
        content: JSON.stringify({ 'old/app': { '1': 'top', '2': 'top' }, low: { '1': 'low' } }),
      },
    );
    const { images } = await load(write('d.tar', tar));
    expect(images.map(({ names }) => names)).toEqual([['old/app:1', 'old/app:2'], ['low:1']]);
    const { config } = resolveImage(bench.store, 'old/app:2');
    expect(config.rootfs.diff_ids).toEqual([base, over].map((layer) => `sha256:${sha256(layer)}`));
    expect(config.config).toEqual({ Env: ['A=b'] });
    expect(config.history!.map((line) => line.created_by)).toEqual([
      '/bin/sh -c make low',
      '/bin/sh -c make top',
    ]);
    expect(bench.store.names('layers')).toHaveLength(2);
  });

  test('passes over what is no image, unless there is nothing else', async () => {
    const config = layout.json({}, 'application/vnd.oci.empty.v1+json');
    const signature = layout.json(
      { schemaVersion: 2, config, layers: [layout.blob(Buffer.from('signed'), 'text/plain')] },
      'application/vnd.oci.image.manifest.v1+json',
    );
    layout.name(signature, 'app:sig');
    await expect(load(write('a.tar', layout.tar()))).rejects.toThrow(
      /no image: its config is of the type '.*empty/,
    );
    layout.name(layout.image([base]), 'app:1');
    const { images } = await load(write('a.tar', layout.tar()));
    expect(images.map(({ names }) => names)).toEqual([['app:1']]);
  });

  test('a name that would be taken for an id is left out', async () => {
    layout.name(layout.image([base]), 'sha256:abcd');
    const { images } = await load(write('a.tar', layout.tar()));
    expect(images[0]!.names).toEqual([]);
  });

  test('keys that JavaScript knows are keys like others', async () => {
    const config = JSON.parse('{"__proto__":{"polluted":1},"Labels":{"__proto__":"x","constructor":"y"}}');
    layout.name(layout.image([base], { config: { config } }), 'app:1');
    await load(write('a.tar', layout.tar()));
    expect(JSON.stringify(resolveImage(bench.store, 'app:1').config.config)).toBe(JSON.stringify(config));
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  test('what is saved is loaded as the same image, and saved as the same bytes', async () => {
    layout.name(layout.image([base, over], { gzip: true }), 'app:1');
    await load(write('a.tar', layout.tar()));
    const { id, manifestDigest } = resolveImage(bench.store, 'app:1');
    for (const format of ['oci-archive', 'docker-archive'] as const) {
      const saved = await bytesOf(saveImages(bench.store, ['app:1'], format));
      expect(saved.equals(await bytesOf(saveImages(bench.store, ['app:1'], format)))).toBe(true);
      using other = new ImageBench();
      await loadImages(other.store, write(format, saved));
      const again = resolveImage(other.store, 'app:1');
      expect(again.id).toBe(id);
      if (format === 'oci-archive') expect(again.manifestDigest).toBe(manifestDigest);
    }
  });

  test('what is saved is loaded as the same image by what knows manifest.json alone', async () => {
    layout.name(layout.image([base, over], { gzip: true }), 'app:1');
    await load(write('a.tar', layout.tar()));
    const path = write('saved.tar', await bytesOf(saveImages(bench.store, ['app:1'], 'oci-archive')));
    execFileSync('tar', ['--delete', '-f', path, 'index.json', 'oci-layout']);
    using other = new ImageBench();
    await loadImages(other.store, path);
    expect(resolveImage(other.store, 'app:1').id).toBe(resolveImage(bench.store, 'app:1').id);
  });

  test('two that load the same image at once both succeed', async () => {
    const tars = Array.from({ length: 6 }, (_, index) => tarBytes({ name: `f${index}`, content: 'x' }));
    layout.name(layout.image(tars), 'app:1');
    const path = write('a.tar', layout.tar());
    await Promise.all([load(path), load(path), load(path)]);
    expect(bench.store.names('layers')).toHaveLength(6);
    expect(readdirSync(bench.store.path('layers'))).toHaveLength(6);
    expect(readdirSync(bench.store.path('pending'))).toEqual([]);
  });
});

const IMAGE_INDEX = 'application/vnd.oci.image.index.v1+json';

/** Each changes a good layout into a bad one. */
const hostile: readonly (readonly [what: string, spoil: (layout: LayoutBuilder) => void, message: RegExp])[] =
  [
    [
      'a layer that is not its digest',
      (at) => swapBlob(at, (bytes) => bytes.equals(over), tarBytes({ name: 'other' })),
      /a blob is damaged: its digest is 'sha256:/,
    ],
    [
      'a manifest that is not its digest',
      (at) => swapBlob(at, (bytes) => bytes.includes('"layers":['), Buffer.from('{}')),
      /blob 'sha256:[0-9a-f]+' is damaged/,
    ],
    [
      'a diffID that is not that of the layer',
      (at) => {
        const diff_ids = [`sha256:${'0'.repeat(64)}`];
        at.manifests.splice(0);
        at.name(at.image([base], { config: { rootfs: { type: 'layers', diff_ids } } }));
      },
      /a layer is damaged/,
    ],
    ['a missing layer', (at) => dropBlob(at, (bytes) => bytes.equals(over)), /lacks 'blobs\/sha256\//],
    [
      'a digest that leads out',
      (at) => at.name({ mediaType: 'x', size: 1, digest: 'sha256:../../../../etc/passwd' }),
      /has the digest 'sha256:\.\.\/\.\./,
    ],
    [
      'a digest of another kind',
      (at) => at.name({ mediaType: 'x', size: 1, digest: `md5:${'0'.repeat(32)}` }),
      /only sha256|has the digest/,
    ],
    [
      'a manifest that names itself',
      (at) => at.name({ mediaType: IMAGE_INDEX, size: 1, digest: `sha256:${sha256('index')}` }),
      /lacks 'blobs/,
    ],
    [
      'an index that leads to an index, and on',
      (at) => {
        let last: object = at.image([base]);
        for (let depth = 0; depth < 6; depth++)
          last = at.json({ schemaVersion: 2, manifests: [last] }, IMAGE_INDEX);
        at.manifests.splice(0);
        at.name(last);
      },
      /indexes lead to each other/,
    ],
    [
      'more layers than diffIDs',
      (at) => {
        at.manifests.splice(0);
        at.name(at.image([base, over], { config: { rootfs: { type: 'layers', diff_ids: [] } } }));
      },
      /speaks of 0 layers, and there are 2/,
    ],
    [
      'a size that is none',
      (at) => at.name({ mediaType: 'x', size: -1, digest: `sha256:${'0'.repeat(64)}` }),
      /size '-1'/,
    ],
    [
      'a manifest that is longer than was said',
      (at) => {
        const manifest = at.image([base]);
        at.manifests.splice(0);
        at.name({ ...manifest, size: manifest.size - 1 });
      },
      /is damaged: it has \d+ bytes, and \d+ were expected/,
    ],
    [
      'a layer that is shorter than was said',
      (at) => {
        at.manifests.splice(0);
        const [layer, ...rest] = [at.blob(base, 'application/vnd.oci.image.layer.v1.tar')];
        const config = at.json(
          { rootfs: { type: 'layers', diff_ids: [layer!.digest] } },
          'application/vnd.oci.image.config.v1+json',
        );
        const layers = [{ ...layer!, size: layer!.size + 1 }, ...rest];
        at.name(at.json({ schemaVersion: 2, config, layers }, 'application/vnd.oci.image.manifest.v1+json'));
      },
      /is damaged: it has \d+ bytes, and \d+ were expected/,
    ],
    [
      'a line of the history that is no text',
      (at) => {
        at.manifests.splice(0);
        at.name(at.image([base], { config: { history: [{ created_by: 5 }] } }));
      },
      /created_by of a line of the history is no text/,
    ],
    [
      'an Env that is no list',
      (at) => {
        at.manifests.splice(0);
        at.name(at.image([base], { config: { config: { Env: 'A=b' } } }));
      },
      /Env of the config is no list/,
    ],
    [
      'an index that is no JSON',
      (at) => at.files.set('blobs/x', Buffer.alloc(0)) && at.manifests.push('text' as never),
      /is no object/,
    ],
    [
      'a hostile second layer',
      (at) => {
        at.manifests.splice(0);
        at.name(at.image([base, tarBytes({ name: '../x' })]));
      },
      /leads out with '..'/,
    ],
  ];

function swapBlob(at: LayoutBuilder, isIt: (bytes: Buffer) => boolean, by: Buffer): void {
  const found = [...at.files].find(([, bytes]) => isIt(bytes));
  at.files.set(found![0], by);
}

function dropBlob(at: LayoutBuilder, isIt: (bytes: Buffer) => boolean): void {
  const found = [...at.files].find(([, bytes]) => isIt(bytes));
  at.files.delete(found![0]);
}

describe('a bad layout is refused and leaves nothing', () => {
  for (const [what, spoil, message] of hostile) {
    test(what, async () => {
      layout.name(layout.image([base, over]), 'app:1');
      spoil(layout);
      await expect(load(layout.writeTo(join(bench.root, 'dir')))).rejects.toThrow(message);
      await expect(load(write('a.tar', layout.tar()))).rejects.toThrow(message);
      expect(bench.leftovers()).toEqual([]);
    });
  }

  test('an archive that is cut off, and one that is no image', async () => {
    layout.name(layout.image([base, over]), 'app:1');
    const tar = layout.tar();
    await expect(load(write('a.tar', tar.subarray(0, 3000)))).rejects.toThrow(/truncated|lacks|no image/);
    await expect(load(write('b.tar', base))).rejects.toThrow(/neither 'index.json' nor 'manifest.json'/);
    await expect(load(join(bench.root, 'none'))).rejects.toThrow(/cannot read '.*none'/);
    expect(bench.leftovers()).toEqual([]);
  });

  test('JSON that is nested without end, and an index that is a pipe', async () => {
    const path = layout.name(layout.image([base]), 'app:1').writeTo(join(bench.root, 'dir'));
    for (const nested of ['['.repeat(1e6), '{"manifests":'.repeat(1e5)]) {
      writeFileSync(join(path, 'index.json'), nested);
      await expect(load(path)).rejects.toThrow(/'index.json' is no JSON/);
    }
    rmSync(join(path, 'index.json'));
    execFileSync('mkfifo', [join(path, 'index.json')]);
    await expect(load(path)).rejects.toThrow(/'index.json' in '.*' is no file/);
    expect(bench.leftovers()).toEqual([]);
  });

  test('a part of a docker archive, as a directory, whose name leads out is not there', async () => {
    mkdirSync(join(bench.root, 'dir'));
    writeFileSync(join(bench.root, 'secret'), '{}');
    const list = [{ Config: '../secret', RepoTags: [], Layers: [] }];
    writeFileSync(join(bench.root, 'dir/manifest.json'), JSON.stringify(list));
    await expect(load(join(bench.root, 'dir'))).rejects.toThrow(/lacks '..\/secret'/);
  });

  test('layers of docker before it had a list, that are below each other', async () => {
    const json = (parent: string): string => JSON.stringify({ parent });
    const tar = tarBytes(
      { name: 'a/json', content: json('b') },
      { name: 'b/json', content: json('a') },
      { name: 'repositories', content: '{"app":{"1":"a"}}' },
    );
    await expect(load(write('d.tar', tar))).rejects.toThrow(
      /layer 'a' has more than 500 below it, or is below itself/,
    );
    const out = tarBytes({ name: 'repositories', content: '{"app":{"1":"../x"}}' });
    await expect(load(write('d.tar', out))).rejects.toThrow(/'..\/x' is no id of a layer/);
    expect(bench.leftovers()).toEqual([]);
  });

  test('a part of a docker archive whose name leads out is not there', async () => {
    writeFileSync(join(bench.root, 'secret'), '{}');
    const list = [{ Config: '../secret', RepoTags: [], Layers: [] }];
    const tar = tarBytes({ name: 'manifest.json', content: JSON.stringify(list) });
    await expect(load(write('d.tar', tar))).rejects.toThrow(/lacks '..\/secret'/);
    expect(readFileSync(join(bench.root, 'secret'), 'utf8')).toBe('{}');
  });
});
