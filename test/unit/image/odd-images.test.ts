/** Images as tools write them, with fields left out, null, or of an older form: none of it is a reason to refuse one. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadImages } from '../../../src/image/add/load-image.js';
import { resolveImage } from '../../../src/image/catalog/image-index.js';
import { inspectImage } from '../../../src/image/catalog/inspect-image.js';
import { listRows } from '../../../src/image/catalog/list-rows.js';
import { LayoutBuilder, sha256 } from '../../helpers/oci-layout.js';
import { tarBytes } from '../../helpers/tar-bytes.js';
import { ImageBench } from './layers-of.js';

const tar = tarBytes({ name: 'f', content: 'x' });
const diff_ids = [`sha256:${sha256(tar)}`];
const DOCKER = 'application/vnd.docker';

let bench: ImageBench;
let layout: LayoutBuilder;
beforeEach(() => {
  bench = new ImageBench();
  layout = new LayoutBuilder();
});
afterEach(() => bench[Symbol.dispose]());

async function load(): Promise<ReturnType<typeof inspectImage>> {
  const path = join(bench.root, 'a.tar');
  writeFileSync(path, layout.tar());
  await loadImages(bench.store, path, { platform: { os: 'linux', architecture: 'amd64' } });
  listRows(bench.store, new Map());
  return inspectImage(bench.store, resolveImage(bench.store, 'a:1'));
}

describe('a config is taken', () => {
  test.each<[what: string, config: object, expected: object]>([
    ['whose date is null', { created: null }, { Created: '' }],
    ['without a date', { created: undefined }, { Created: '' }],
    ['whose command is text', { config: { Cmd: 'sh -c x' } }, { Config: { Cmd: ['sh -c x'] } }],
    ['whose entrypoint is text', { config: { Entrypoint: '/init' } }, { Config: { Entrypoint: ['/init'] } }],
    ['whose shell is text', { config: { Shell: 'sh' } }, { Config: { Shell: ['sh'] } }],
    ['that is empty inside', { config: {} }, { Config: {} }],
    ['that is null inside', { config: null }, { Config: {} }],
    [
      'whose fields are null',
      {
        config: {
          Env: null,
          Cmd: null,
          Entrypoint: null,
          Labels: null,
          User: null,
          WorkingDir: null,
          Volumes: null,
          ExposedPorts: null,
          OnBuild: null,
          StopSignal: null,
          Healthcheck: null,
        },
        author: null,
        variant: null,
      },
      { Config: {}, Author: '', Variant: '' },
    ],
    ['whose history is null', { history: null }, { Comment: '' }],
    ['whose history is empty', { history: [] }, { Comment: '' }],
    [
      'whose history has nulls',
      { history: [{ created: null, created_by: null, comment: null, empty_layer: null }] },
      {},
    ],
    ['whose history has nothing in it', { history: [{}] }, {}],
    ['without a platform', { os: undefined, architecture: undefined }, { Os: '', Architecture: '' }],
    ['whose rootfs has no type', { rootfs: { diff_ids } }, {}],
    ['with fields that nobody knows', { moby: { x: [1] }, container_config: { Cmd: 5 } }, {}],
  ])('%s', async (_, config, expected) => {
    layout.name(layout.image([tar], { config }), 'a:1');
    expect(await load()).toMatchObject(expected);
  });

  test('without layers, of any kind', async () => {
    layout.name(layout.image([], { config: { rootfs: { type: 'layers', diff_ids: null } } }), 'a:1');
    expect((await load()).RootFS.Layers).toEqual([]);
  });
});

describe('a manifest is taken', () => {
  const named = (manifest: object, type: string): void =>
    void layout.name(layout.json(manifest, type), 'a:1');
  const config = (count = 1) =>
    layout.json(
      {
        architecture: 'amd64',
        os: 'linux',
        rootfs: { type: 'layers', diff_ids: Array(count).fill(diff_ids[0]) },
      },
      `${DOCKER}.container.image.v1+json`,
    );

  test.each([
    ['of docker', `${DOCKER}.image.rootfs.diff.tar.gzip`],
    ['of a foreign layer', `${DOCKER}.image.rootfs.foreign.diff.tar.gzip`],
    [
      'of a layer that may not be distributed',
      'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
    ],
    ['that nobody knows', 'x/y'],
    ['that is empty', ''],
  ])('with the type of a layer %s', async (_, type) => {
    const layers = [layout.blob(gzipSync(tar), type)];
    const mediaType = `${DOCKER}.distribution.manifest.v2+json`;
    named({ schemaVersion: 2, mediaType, config: config(), layers }, mediaType);
    expect((await load()).RootFS.Layers).toEqual(diff_ids);
  });

  test('with a layer twice', async () => {
    const layer = layout.blob(gzipSync(tar), `${DOCKER}.image.rootfs.diff.tar.gzip`);
    named({ schemaVersion: 2, config: config(3), layers: [layer, layer, layer] }, '');
    expect((await load()).RootFS.Layers).toHaveLength(3);
  });

  test('with nulls, unknown fields and no version', async () => {
    const layer = { ...layout.blob(tar, 'x'), annotations: null, urls: null, platform: null, data: 'eA==' };
    named({ config: config(), layers: [layer], annotations: null, subject: null }, '');
    expect((await load()).RootFS.Layers).toEqual(diff_ids);
  });

  test('of an index whose platforms say little', async () => {
    const manifest = layout.image([tar]);
    const entries = [
      { ...manifest, platform: { os: 'plan9' } },
      { ...manifest, platform: {} },
    ];
    named({ manifests: entries, annotations: null }, 'application/vnd.oci.image.index.v1+json');
    expect((await load()).RootFS.Layers).toEqual(diff_ids);
  });
});

test('one wrong name beside good ones is left out, and said', async () => {
  const names = ['UPPER:1', 'a:1', 'docker.io/library/a:1', '', 'b:2', 'x:y:z'];
  const archive = tarBytes(
    {
      name: 'manifest.json',
      content: JSON.stringify([{ Config: 'c.json', RepoTags: names, Layers: ['l'] }]),
    },
    { name: 'c.json', content: JSON.stringify({ rootfs: { type: 'layers', diff_ids } }) },
    { name: 'l', content: tar },
  );
  const path = join(bench.root, 'a.tar');
  writeFileSync(path, archive);
  const { images, wrongNames } = await loadImages(bench.store, path);
  expect(images.map((image) => image.names)).toEqual([['a:1', 'b:2']]);
  expect(wrongNames).toEqual(['UPPER:1', '', 'x:y:z']);
});
