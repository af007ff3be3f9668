/**
 * Whatever keeps a layer from coming right, the next pull works: nothing wrong is kept in `images/partial/`.
 *
 * The registry is in this process. Each case breaks the answer to the first request for the layer (or, where a broken
 * connection has left a part, to the one that would go on with it), and answers rightly from then on.
 */

import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findImage } from '../../../../src/image/catalog/image-index.js';
import { hostPlatform } from '../../../../src/image/oci/platform.js';
import { parseReference } from '../../../../src/image/oci/reference.js';
import { pullImage } from '../../../../src/image/registry/pull-image.js';
import { FakeRegistry } from '../../../helpers/fake-registry.js';
import { LayoutBuilder } from '../../../helpers/oci-layout.js';
import { tarBytes } from '../../../helpers/tar-bytes.js';
import { ImageBench } from '../layers-of.js';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const PAGE = '<html><body>please log in</body></html>';

let remote: FakeRegistry;
let bench: ImageBench;
let layer: Buffer;
let warnings: string[];
const onWarning = (warning: Error): void => void warnings.push(String(warning));

beforeEach(async () => {
  remote = await FakeRegistry.start();
  bench = new ImageBench();
  const layout = new LayoutBuilder();
  const tar = tarBytes({ name: 'f', content: randomBytes(200_000) });
  const { digest } = layout.image([tar], { gzip: true });
  for (const [name, bytes] of layout.files) {
    const key = `sha256:${name.replace(/^.*\//, '')}`;
    if (key === digest)
      remote.manifests.set('1', { bytes, mediaType: 'application/vnd.oci.image.manifest.v1+json' });
    else remote.addBlob(bytes);
    if (bytes[0] === 0x1f) layer = bytes;
  }
  warnings = [];
  process.on('warning', onWarning);
});

afterEach(async () => {
  process.off('warning', onWarning);
  bench[Symbol.dispose]();
  await remote[Symbol.asyncDispose]();
});

const isLayer = ({ url = '' }: IncomingMessage): boolean =>
  url.includes('/blobs/') && url.includes(digestOf());
const digestOf = (): string => [...remote.blobs].find(([, bytes]) => bytes === layer)![0];

/** The next request for the layer gets this answer; those after it the right one. */
function answerOnce(answer: Answer): void {
  let isDone = false;
  remote.handlers.push((request, response) => {
    if (isDone || !isLayer(request)) return false;
    isDone = true;
    answer(request, response);
    return true;
  });
}

function pull(): Promise<unknown> {
  const reference = parseReference(`${remote.host}/app:1`);
  return pullImage(bench.store, reference, { platform: hostPlatform(), notices: new Map() });
}

function partial(): string[] {
  return readdirSync(bench.store.path('images', 'partial'));
}

function leavePart(bytes: Buffer): void {
  mkdirSync(bench.store.path('images', 'partial'), { recursive: true });
  writeFileSync(bench.store.path('images', 'partial', digestOf().slice(7)), bytes);
}

async function expectPullWorks(): Promise<void> {
  await pull();
  expect(findImage(bench.store, `${remote.host}/app:1`)).toBeDefined();
  expect(partial()).toEqual([]);
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

const wrong: [what: string, answer: Answer, message: RegExp][] = [
  ["a proxy's page", (_, response) => response.end(PAGE), /has only 39 of the \d+ bytes/],
  [
    "a proxy's page in chunks",
    (_, response) => {
      response.write(PAGE);
      response.end();
    },
    /cannot unpack|no tar|truncated|too early|has only/,
  ],
  [
    'random bytes of the right length',
    (_, response) => response.end(randomBytes(layer.length)),
    /no tar|damaged|too early|truncated/,
  ],
  [
    'a gzip that breaks in its middle',
    (_, response) => response.end(Buffer.concat([layer.subarray(0, 5000), randomBytes(layer.length - 5000)])),
    /damaged/,
  ],
  ['too much', (_, response) => response.end(Buffer.concat([layer, layer])), /is longer than the \d+ bytes/],
  [
    'too much in chunks',
    (_, response) => {
      response.write(layer);
      response.end('x');
    },
    /is longer than the \d+ bytes/,
  ],
  ['too little', (_, response) => response.end(layer.subarray(0, 1000)), /has only 1000 of the \d+ bytes/],
  ['nothing', (_, response) => response.end(), /has only 0 of the \d+ bytes/],
  [
    'another blob of that size',
    (_, response) => response.end(Buffer.concat([layer.subarray(0, -1), Buffer.from([0xff])])),
    /digest|damaged/,
  ],
  ['204', (_, response) => response.writeHead(204).end(), /answered 204/],
  ['a 206 that nobody asked for', (_, response) => response.writeHead(206).end(PAGE), /answered 206/],
  ['404', (_, response) => response.writeHead(404).end(), /answered 404/],
  [
    'a coding that is not known',
    (_, response) => response.writeHead(200, { 'content-encoding': 'lzma' }).end(PAGE),
    /the coding 'lzma'/,
  ],
  [
    'a coding that is not what it says',
    (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(PAGE),
    /incorrect header check/,
  ],
];

describe('a first request answered with', () => {
  test.each(
    wrong,
  )('%s fails in one line and leaves nothing, so that the next pull works', async (_, answer, message) => {
    answerOnce(answer);
    await expect(pull()).rejects.toThrow(message);
    expect(partial()).toEqual([]);
    expect(bench.leftovers().filter((name) => !/images\/(partial|oci-layout|index)/.test(name))).toEqual([]);
    collectGarbage();
    await expectPullWorks();
    expect(warnings).toEqual([]);
  });

  test.each([
    ['its length', true],
    ['chunks', false],
  ])('the coding gzip of a proxy, in %s, is decoded', async (_, hasLength) => {
    answerOnce((__, response) => {
      const bytes = gzipSync(layer);
      const length = hasLength ? { 'content-length': String(bytes.length) } : {};
      response.writeHead(200, { 'content-encoding': 'gzip', ...length }).end(bytes);
    });
    await expectPullWorks();
  });

  test("the coding gzip of a store that means the layer's own is taken as it is", async () => {
    answerOnce((_, response) =>
      response
        .writeHead(200, { 'content-encoding': 'gzip', 'content-length': String(layer.length) })
        .end(layer),
    );
    await expectPullWorks();
  });
});

const resumed: [what: string, answer: Answer][] = [
  [
    'a 206 with the whole blob',
    (_, response) =>
      response.writeHead(206, { 'content-range': `bytes 0-${layer.length - 1}/${layer.length}` }).end(layer),
  ],
  ['a 206 with the whole blob that does not say so', (_, response) => response.writeHead(206).end(layer)],
  ['416', (_, response) => response.writeHead(416).end()],
  [
    'a range that begins elsewhere',
    (_, response) =>
      response
        .writeHead(206, { 'content-range': `bytes 10-${layer.length - 1}/${layer.length}` })
        .end(layer.subarray(10)),
  ],
  [
    'a range of a blob of another size',
    (request, response) => {
      const from = Number(/\d+/.exec(request.headers.range ?? '')![0]);
      response
        .writeHead(206, { 'content-range': `bytes ${from}-${layer.length - 1}/${layer.length + 7}` })
        .end(layer.subarray(from));
    },
  ],
  [
    'a range in a coding',
    (request, response) => {
      const from = Number(/\d+/.exec(request.headers.range ?? '')![0]);
      const range = `bytes ${from}-${layer.length - 1}/${layer.length}`;
      response
        .writeHead(206, { 'content-range': range, 'content-encoding': 'gzip' })
        .end(layer.subarray(from));
    },
  ],
  ['the whole blob', (_, response) => response.end(layer)],
  [
    'a range of other bytes',
    (request, response) => {
      const from = Number(/\d+/.exec(request.headers.range ?? '')![0]);
      const range = `bytes ${from}-${layer.length - 1}/${layer.length}`;
      response.writeHead(206, { 'content-range': range }).end(randomBytes(layer.length - from));
    },
  ],
  ["a proxy's page", (_, response) => response.end(PAGE)],
];

describe('what a broken pull has left, and a request for the rest answered with', () => {
  test.each(resumed)('%s is completed or fetched anew in the same pull', async (_, answer) => {
    leavePart(layer.subarray(0, 1000));
    answerOnce(answer);
    await expectPullWorks();
    expect(warnings).toEqual([]);
  });

  test.each([
    ['wrong bytes', (): Buffer => Buffer.from(PAGE)],
    ['wrong bytes of the whole length', (): Buffer => randomBytes(layer.length)],
    ['more bytes than the blob has', (): Buffer => Buffer.concat([layer, layer])],
    ['zeros, as after a power cut', (): Buffer => Buffer.alloc(4096)],
    ['nothing', (): Buffer => Buffer.alloc(0)],
  ])('as it should be, though what is left are %s', async (_, left) => {
    leavePart(left());
    await expectPullWorks();
  });
});

describe('a connection that breaks', () => {
  const breakAfter = (bytes: number): Answer => {
    return (_, response) => {
      response.writeHead(200, { 'content-length': String(layer.length) });
      response.write(layer.subarray(0, bytes), () => response.destroy());
    };
  };

  test.each(resumed.slice(0, 7))('goes on in the same pull after %s', async (_, answer) => {
    answerOnce(answer);
    answerOnce(breakAfter(50_000));
    await expectPullWorks();
    expect(remote.requests('GET', new RegExp(digestOf())).length).toBeGreaterThan(1);
  });
});

test('three pulls at once bring the layer once, and leave nothing beside it', async () => {
  await Promise.all([pull(), pull(), pull()]);
  expect(remote.requests('GET', new RegExp(digestOf()))).toHaveLength(1);
  expect(partial()).toEqual([]);
});
