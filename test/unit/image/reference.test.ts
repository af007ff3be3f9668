/** Names of images: which spellings are one, what is shown, where docker.io is asked. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadImages } from '../../../src/image/add/load-image.js';
import { findImage, listImages } from '../../../src/image/catalog/image-index.js';
import { inspectImage } from '../../../src/image/catalog/inspect-image.js';
import { listRows } from '../../../src/image/catalog/list-rows.js';
import { removeImage, tagImage } from '../../../src/image/catalog/remove-image.js';
import { saveImages } from '../../../src/image/layout/save-image.js';
import { formatReference, parseReference, registryHost } from '../../../src/image/oci/reference.js';
import { findCredentials } from '../../../src/image/registry/sign-in/docker-config.js';
import { LayoutBuilder } from '../../helpers/oci-layout.js';
import { tarBytes } from '../../helpers/tar-bytes.js';
import { ImageBench } from './layers-of.js';

const DIGEST = `sha256:${'ab'.repeat(32)}`;
const SPELLINGS = [
  'x',
  'x:latest',
  'library/x',
  'docker.io/x',
  'docker.io/library/x',
  'docker.io/library/x:latest',
  'index.docker.io/x',
  'index.docker.io/library/x',
];

describe('parseReference()', () => {
  test.each(SPELLINGS)('%s is x of docker.io, and is shown as x:latest', (text) => {
    const reference = parseReference(text);
    expect(reference).toEqual({ host: 'docker.io', path: 'library/x', tag: 'latest' });
    expect(formatReference(reference)).toBe('x:latest');
    expect(registryHost(reference)).toBe('registry-1.docker.io');
  });

  test.each([
    ['docker.io/team/app:1', 'docker.io', 'team/app', 'team/app:1'],
    ['team/app:1', 'docker.io', 'team/app', 'team/app:1'],
    ['library/a/b', 'docker.io', 'library/a/b', 'library/a/b:latest'],
    ['localhost/x', 'localhost', 'x', 'localhost/x:latest'],
    ['localhost:5000/library/x', 'localhost:5000', 'library/x', 'localhost:5000/library/x:latest'],
    ['quay.example/library/x', 'quay.example', 'library/x', 'quay.example/library/x:latest'],
    ['docker.io', 'docker.io', 'library/docker.io', 'docker.io:latest'],
    ['docker.io/docker.io/a/b', 'docker.io', 'docker.io/a/b', 'docker.io/docker.io/a/b:latest'],
    ['docker.io/localhost/x', 'docker.io', 'localhost/x', 'docker.io/localhost/x:latest'],
    ['docker.io/quay.example/x', 'docker.io', 'quay.example/x', 'docker.io/quay.example/x:latest'],
    [`x@${DIGEST}`, 'docker.io', 'library/x', `x@${DIGEST}`],
    [`docker.io/library/x:1@${DIGEST}`, 'docker.io', 'library/x', `x:1@${DIGEST}`],
  ])('%s has its host and path', (text, host, path, shown) => {
    const reference = parseReference(text);
    expect([reference.host, reference.path, formatReference(reference)]).toEqual([host, path, shown]);
    expect(parseReference(shown)).toEqual(reference);
  });

  test.each([
    '',
    'X',
    'library/',
    'docker.io/',
    'docker.io/library/',
    'docker.io/library/X',
    'x@sha256:ab',
    '300.300.300.300/x',
    '[::::]/x',
    ':1',
    'x:',
  ])("'%s' is no name", (text) => expect(() => parseReference(text)).toThrow(/invalid reference format/));
});

test.each([
  'https://index.docker.io/v1/',
  'docker.io',
  'index.docker.io',
])('credentials under %s are those of docker.io', (key) => {
  using bench = new ImageBench();
  const auth = Buffer.from('anna:secret').toString('base64');
  mkdirSync(join(bench.root, '.docker'));
  writeFileSync(join(bench.root, '.docker/config.json'), JSON.stringify({ auths: { [key]: { auth } } }));
  const env = { HOME: bench.root };
  expect(findCredentials('docker.io/library/x', env)).toMatchObject({ username: 'anna', password: 'secret' });
  expect(findCredentials('docker.io.example/library/x', env)).toBeUndefined();
});

describe('an image of the store', () => {
  let bench: ImageBench;
  beforeEach(() => {
    bench = new ImageBench();
  });
  afterEach(() => bench[Symbol.dispose]());

  const names = (): string[] => listImages(bench.store).flatMap((image) => image.names);
  const edit = (change: (text: string) => string): void => {
    const path = bench.store.path('images', 'index.json');
    writeFileSync(path, change(readFileSync(path, 'utf8')));
  };

  test('is found, tagged and removed by each spelling of its name', async () => {
    await bench.unpack(tarBytes({ name: 'f' }), 'x:latest');
    const id = findImage(bench.store, 'x')?.id;
    for (const text of SPELLINGS) {
      expect(findImage(bench.store, text)?.id).toBe(id);
      tagImage(bench.store, text, text.replace(/x(:latest)?$/, 'y:1'));
      expect(names()).toEqual(['x:latest', 'y:1']);
      expect(listRows(bench.store, new Map(), { wanted: text }).map(({ repository }) => repository)).toEqual([
        'x',
      ]);
      const filter = new Map([['reference', [text]]]);
      expect(listRows(bench.store, filter).map(({ repository }) => repository)).toEqual(['x']);
      expect(
        removeImage(bench.store, text.replace(/x(:latest)?$/, 'y:1'), { force: false }).untagged,
      ).toEqual(['y:1']);
    }
    expect(removeImage(bench.store, 'docker.io/library/x', { force: false }).deleted).toEqual([id]);
  });

  test('of a store that was written with another spelling keeps working', async () => {
    await bench.unpack(tarBytes({ name: 'f' }), 'x:1');
    edit((text) => text.replace('"x:1"', '"docker.io/library/x:1"'));
    const image = findImage(bench.store, 'x:1')!;
    expect(inspectImage(bench.store, image).RepoTags).toEqual(['x:1']);
    tagImage(bench.store, 'index.docker.io/library/x:1', 'x:1');
    expect(names()).toEqual(['x:1']);
    expect(removeImage(bench.store, 'x:1', { force: false }).deleted).toEqual([image.id]);
    expect(names()).toEqual([]);
  });

  test('under two spellings of one name in an old store, both images stay', async () => {
    await bench.unpack(tarBytes({ name: 'f' }), 'a:1');
    await bench.unpack(tarBytes({ name: 'g' }), 'b:1');
    const [a, b] = [findImage(bench.store, 'a:1')!.id, findImage(bench.store, 'b:1')!.id];
    edit((text) => text.replace('"a:1"', '"docker.io/library/x:1"').replace('"b:1"', '"x:1"'));
    expect(findImage(bench.store, 'docker.io/x:1')?.id).toBe(b);
    expect(findImage(bench.store, a)?.names).toEqual(['docker.io/library/x:1']);
    expect(removeImage(bench.store, 'x:1', { force: false }).deleted).toEqual([b]);
    expect(findImage(bench.store, 'x:1')?.id).toBe(a);
  });

  test('is loaded and saved under its short name', async () => {
    const layout = new LayoutBuilder();
    layout.name(layout.image([tarBytes({ name: 'f' })]), 'docker.io/library/x:1');
    const path = join(bench.root, 'layout');
    await loadImages(bench.store, layout.writeTo(path));
    expect(names()).toEqual(['x:1']);
    const chunks: Buffer[] = [];
    for await (const chunk of saveImages(bench.store, ['index.docker.io/x:1'], 'docker-archive'))
      chunks.push(chunk);
    expect(Buffer.concat(chunks).toString('latin1')).toContain('"RepoTags":["x:1"]');
  });

  test('is found by its digest, with and without a tag', async () => {
    await bench.unpack(tarBytes({ name: 'f' }), 'x:1');
    const { id, manifestDigest } = findImage(bench.store, 'x:1')!;
    for (const text of ['x', 'docker.io/library/x', 'x:1', 'library/x:9']) {
      expect(findImage(bench.store, `${text}@${manifestDigest}`)?.id).toBe(id);
    }
  });
});
