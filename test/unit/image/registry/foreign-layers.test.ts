/** Layers that no registry may have: got from the addresses in their descriptors, and sent to no registry. */

import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findImage } from '../../../../src/image/catalog/image-index.js';
import { foreignAddresses } from '../../../../src/image/oci/foreign.js';
import { checkDescriptor } from '../../../../src/image/oci/image-json.js';
import { hostPlatform } from '../../../../src/image/oci/platform.js';
import { parseReference } from '../../../../src/image/oci/reference.js';
import { pullImage } from '../../../../src/image/registry/pull-image.js';
import { pushImage } from '../../../../src/image/registry/push.js';
import { FakeRegistry } from '../../../helpers/fake-registry.js';
import { sha256 } from '../../../helpers/oci-layout.js';
import { tarBytes } from '../../../helpers/tar-bytes.js';
import { ImageBench } from '../layers-of.js';

const digestOf = (bytes: Buffer): string => `sha256:${sha256(bytes)}`;

const FOREIGN = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

let remote: FakeRegistry;
let elsewhere: FakeRegistry;
let bench: ImageBench;
let layer: Buffer;
const tar = tarBytes({ name: 'f', content: Buffer.alloc(100_000, 'f') });

beforeEach(async () => {
  remote = await FakeRegistry.start();
  elsewhere = await FakeRegistry.start();
  bench = new ImageBench();
  layer = gzipSync(tar);
});

afterEach(async () => {
  bench[Symbol.dispose]();
  await remote[Symbol.asyncDispose]();
  await elsewhere[Symbol.asyncDispose]();
});

function offer(...urls: string[]): void {
  const rootfs = { type: 'layers', diff_ids: [digestOf(tar)] };
  const config = Buffer.from(JSON.stringify({ ...hostPlatform(), config: {}, rootfs }));
  remote.addBlob(config);
  const described = (mediaType: string, bytes: Buffer) => ({
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
  });
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: described('application/vnd.oci.image.config.v1+json', config),
    layers: [{ ...described(FOREIGN, layer), urls }],
  };
  remote.manifests.set('1', { bytes: Buffer.from(JSON.stringify(manifest)), mediaType: MANIFEST });
}

function pull(): Promise<unknown> {
  const reference = parseReference(`${remote.host}/app:1`);
  return pullImage(bench.store, reference, { platform: hostPlatform(), notices: new Map() });
}

test('a foreign layer comes from the first of its addresses that has it', async () => {
  const digest = elsewhere.addBlob(layer);
  const at = `http://${elsewhere.host}`;
  offer('ftp://x/y', `${at}/v2/x/blobs/sha256:none`, `${at}/v2/x/blobs/${digest}`);
  await pull();
  expect(findImage(bench.store, `${remote.host}/app:1`)).toBeDefined();
  expect(elsewhere.requests('GET', /blobs/)).toHaveLength(2);
  expect(remote.requests('GET', new RegExp(digest))).toEqual([]);
  expect(elsewhere.seen.every(({ headers }) => headers.authorization === undefined)).toBe(true);
  await pushImage(bench.store, parseReference(`${remote.host}/app:1`), {});
  expect(remote.blobs.has(digest)).toBe(false);
});

test('the registry is asked where none of them has it', async () => {
  remote.addBlob(layer);
  offer(`http://${elsewhere.host}/v2/x/blobs/gone`);
  await pull();
  expect(findImage(bench.store, `${remote.host}/app:1`)).toBeDefined();
});

test('what comes from there is verified as all is', async () => {
  elsewhere.handlers.push((_, response) => {
    response.end(Buffer.alloc(layer.length, 'x'));
    return true;
  });
  offer(`http://${elsewhere.host}/layer`);
  await expect(pull()).rejects.toThrow();
  expect(findImage(bench.store, `${remote.host}/app:1`)).toBeUndefined();
});

test('only layers of such a type are got elsewhere', () => {
  const urls = ['https://x/y'];
  const nondistributable = 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip';
  expect(foreignAddresses({ mediaType: nondistributable, urls }).map(String)).toEqual(urls);
  expect(foreignAddresses({ mediaType: 'application/vnd.oci.image.layer.v1.tar', urls })).toEqual([]);
  expect(foreignAddresses({ mediaType: FOREIGN })).toEqual([]);
});

test.each([[{ a: 1 }], ['https://x'], [[1]]])('a descriptor with the addresses %j is refused', (urls) => {
  const descriptor = { mediaType: FOREIGN, digest: digestOf(tar), size: 1, urls };
  expect(() => checkDescriptor(descriptor, 'a layer')).toThrow(/address/);
});

test('a digest in capitals is refused, as Docker does, and said to be one', () => {
  const digest = digestOf(tar).replace(/[a-f]/g, (letter) => letter.toUpperCase());
  expect(() => checkDescriptor({ mediaType: FOREIGN, digest, size: 1 }, 'a layer')).toThrowError(
    expect.objectContaining({ hint: 'its hex digits must be lower case' }) as Error,
  );
  expect(() => parseReference(`a@${digest}`)).toThrow(
    /is no sha256 digest: its hex digits must be lower case/,
  );
});
