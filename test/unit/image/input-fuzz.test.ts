/**
 * What comes from outside as text or JSON, drawn at random: an answer, or an error of one line; never another error, a hang,
 * or something that is not what its type says.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ZstdFrames } from '../../../src/archive/compress/zstd-frames.js';
import { partsInside } from '../../../src/archive/tar/parts-inside.js';
import { decodePax, noRecords } from '../../../src/archive/tar/pax.js';
import { UserError } from '../../../src/errno/user-error.js';
import { checkIndex, checkManifest, parseJson, readImageConfig } from '../../../src/image/oci/image-json.js';
import { formatReference, parseReference, shortName } from '../../../src/image/oci/reference.js';
import { decoded, isRestOf } from '../../../src/image/registry/content.js';
import type { HttpResponse } from '../../../src/image/registry/http.js';
import { retryAfterMs } from '../../../src/image/registry/retry.js';
import { parseChallenges } from '../../../src/image/registry/sign-in/challenge.js';
import { findCredentials } from '../../../src/image/registry/sign-in/docker-config.js';
import {
  dropCredentials,
  keepCredentials,
  serverHost,
} from '../../../src/image/registry/sign-in/keep-credentials.js';
import { ImageBench } from './layers-of.js';

const SEED = 20261129;
const runs = (numRuns: number) => ({ seed: SEED, numRuns });

/** The result, or undefined for an error that a user is meant to read, which is one line. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    expect(error.message).not.toMatch(/\n|^Cannot (?:read|set) prop|is not a function/);
    return undefined;
  }
}

const piece = fc.constantFrom(
  'a',
  'B',
  '1',
  '.',
  '-',
  '_',
  '__',
  '/',
  ':',
  '@',
  'sha256:',
  'docker.io',
  'index.docker.io',
  'library',
  'localhost',
  '5000',
  'ab'.repeat(32),
  '\n',
  'é',
  ' ',
  '[::1]',
  '%',
);
const nameText = fc.oneof(
  fc.array(piece, { maxLength: 9 }).map((parts) => parts.join('')),
  fc.string(),
);

test('parseReference() gives what formatReference() spells so that it is read as the same again', () => {
  fc.assert(
    fc.property(nameText, (text) => {
      const reference = attempt(() => parseReference(text));
      if (reference === undefined) return;
      const shown = formatReference(reference);
      expect(parseReference(shown)).toEqual(reference);
      expect(shortName(shown)).toBe(shown);
      for (const long of [`docker.io/${shown}`, `index.docker.io/${shown}`]) {
        // Where it is shown with its host, another one before it makes another name.
        if (reference.host === 'docker.io' && !shown.startsWith('docker.io/'))
          expect(parseReference(long)).toEqual(reference);
      }
      expect(`${reference.host}/${reference.path}`).not.toMatch(/\.\.|\s|\/\//);
    }),
    runs(3000),
  );
});

test('serverHost() gives a host, or says that there is none', () => {
  fc.assert(
    fc.property(nameText, (text) => {
      const host = attempt(() => serverHost(text));
      if (host !== undefined) expect(new URL(`https://${host}/v2/`).pathname).toBe('/v2/');
    }),
    runs(1000),
  );
});

const headerPiece = fc.constantFrom(
  'Basic',
  'Bearer',
  ' ',
  ',',
  '=',
  '"',
  '\\',
  'realm',
  'service',
  'scope',
  'x',
  'http://h/',
  ';',
  '\t',
  '""',
  'a,b',
);
const header = fc.oneof(
  fc.array(headerPiece, { maxLength: 20 }).map((parts) => parts.join('')),
  fc.string(),
);

test('parseChallenges() reads any header, and one of a hundred thousand characters at once', () => {
  fc.assert(
    fc.property(header, (text) => {
      for (const { scheme, parameters } of parseChallenges(text)) {
        expect(scheme).toMatch(/^[\w-]+$/);
        expect(Object.values(parameters).every((value) => typeof value === 'string')).toBe(true);
      }
    }),
    runs(3000),
  );
  const start = Date.now();
  for (const part of ['a ', 'a=', ',', '"\\', 'Bearer x="', 'a=b,']) parseChallenges(part.repeat(50_000));
  expect(Date.now() - start).toBeLessThan(5000);
});

const digest = fc.constantFrom(
  `sha256:${'0'.repeat(64)}`,
  `sha256:${'A'.repeat(64)}`,
  'sha256:x',
  '../x',
  '',
  null,
);
const odd = fc.oneof(fc.constantFrom(null, true, -1, 1e300, '', [], {}, '\n'), fc.jsonValue({ maxDepth: 1 }));
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 4, arbitrary: value }, { weight: 1, arbitrary: odd });
const descriptor = maybe(
  fc.record(
    {
      mediaType: maybe(fc.string()),
      digest: maybe(digest),
      size: maybe(fc.nat()),
      platform: maybe(fc.record({ os: maybe(fc.string()), architecture: maybe(fc.string()) })),
      annotations: odd,
    },
    { requiredKeys: [] },
  ),
);
const texts = maybe(fc.array(maybe(fc.string()), { maxLength: 3 }));
const config = fc.record(
  {
    created: maybe(fc.string()),
    config: maybe(
      fc.record(
        { Cmd: texts, Entrypoint: maybe(fc.string()), Env: texts, Labels: odd, Volumes: odd, User: odd },
        { requiredKeys: [] },
      ),
    ),
    rootfs: maybe(
      fc.record(
        { type: maybe(fc.constant('layers')), diff_ids: maybe(fc.array(maybe(digest), { maxLength: 3 })) },
        { requiredKeys: [] },
      ),
    ),
    history: maybe(
      fc.array(maybe(fc.record({ created_by: odd, empty_layer: odd }, { requiredKeys: [] })), {
        maxLength: 2,
      }),
    ),
    os: odd,
    architecture: odd,
  },
  { requiredKeys: [] },
);

test('the JSON of an image is read as what its type says, and read so again', () => {
  const isDigest = (value: unknown): boolean => /^sha256:[0-9a-f]{64}$/.test(String(value));
  fc.assert(
    fc.property(maybe(config), (value) => {
      const read = attempt(() => readImageConfig(value));
      if (read === undefined) return;
      expect(readImageConfig(JSON.parse(JSON.stringify(read)))).toEqual(read);
      expect(read.rootfs.diff_ids.every(isDigest)).toBe(true);
      for (const list of [read.config?.Cmd, read.config?.Entrypoint, read.config?.Env]) {
        expect((list ?? []).every((word) => typeof word === 'string')).toBe(true);
      }
    }),
    runs(1500),
  );
  const manifest = maybe(
    fc.record(
      {
        schemaVersion: maybe(fc.constant(2)),
        config: descriptor,
        layers: maybe(fc.array(descriptor, { maxLength: 3 })),
      },
      { requiredKeys: [] },
    ),
  );
  fc.assert(
    fc.property(manifest, (value) => {
      const read = attempt(() => checkManifest(value));
      if (read !== undefined)
        expect([...read.layers, read.config].every((one) => isDigest(one.digest) && one.size >= 0)).toBe(
          true,
        );
    }),
    runs(1500),
  );
  fc.assert(
    fc.property(
      maybe(fc.record({ manifests: maybe(fc.array(descriptor, { maxLength: 3 })) }, { requiredKeys: [] })),
      (value) => {
        const read = attempt(() => checkIndex(value, 'an index'));
        if (read !== undefined) expect(read.manifests.every((one) => isDigest(one.digest))).toBe(true);
      },
    ),
    runs(1500),
  );
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => void attempt(() => parseJson(Buffer.from(bytes), 'x'))),
    runs(500),
  );
});

test("docker's config.json, whatever is in it, is read or refused, and login and logout keep what they do not know", () => {
  using bench = new ImageBench();
  mkdirSync(join(bench.root, 'd'));
  const path = join(bench.root, 'd/config.json');
  const env = { HOME: bench.root, DOCKER_CONFIG: join(bench.root, 'd'), XDG_RUNTIME_DIR: bench.root };
  const auth = maybe(
    fc.record(
      {
        auth: maybe(fc.constantFrom('YTpi', '!!!', 'YQ==')),
        username: odd,
        identitytoken: maybe(fc.string()),
      },
      { requiredKeys: [] },
    ),
  );
  const file = maybe(
    fc.record(
      {
        auths: maybe(fc.dictionary(fc.constantFrom('h', 'h:1', 'https://h/v1/', 'docker.io', 'x'), auth)),
        other: odd,
      },
      { requiredKeys: [] },
    ),
  );
  fc.assert(
    fc.property(file, (value) => {
      writeFileSync(path, JSON.stringify(value));
      const found = attempt(() => findCredentials('h/app', env));
      if (found !== undefined) expect(typeof found.username).toBe('string');
      if (attempt(() => keepCredentials('h', { username: 'a', password: 'b' }, env)) === undefined) return;
      expect(findCredentials('h/app', env)).toMatchObject({ username: 'a', password: 'b' });
      expect(dropCredentials('h', env)).toBe(true);
      expect(findCredentials('h/app', env)).toBeUndefined();
    }),
    runs(150),
  );
});

test('headers of answers: ranges, codings and times are understood or not', () => {
  const value = fc.oneof(
    fc.constantFrom(
      'bytes 5-9/10',
      'bytes 0-9/10',
      'bytes 5-9/*',
      'gzip',
      'identity',
      '10',
      '-1',
      '1e9',
      'bytes 5-',
      '',
    ),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.constantFrom(200, 206, 416), value, value, value, (status, range, coding, length) => {
      const headers: Record<string, string> = {
        'content-range': range,
        'content-encoding': coding,
        'content-length': length,
      };
      const response = {
        status,
        url: new URL('http://h/'),
        body: Readable.from([]),
        isWhole: () => true,
        header: (name: string) => headers[name],
      } as unknown as HttpResponse;
      const isRest = isRestOf(response, 5, 10);
      if (status === 206 && isRest) expect(range).toMatch(/^bytes 5-9\/(10|\*)$/);
      const read = attempt(() => decoded(response, 10));
      if (read?.sizeBytes !== undefined) expect(Number.isInteger(read.sizeBytes)).toBe(true);
      const pause = retryAfterMs(length);
      if (pause !== undefined) expect(pause).toBeGreaterThanOrEqual(0);
    }),
    runs(1500),
  );
});

test('names in tars stay below the root, as posix paths are normalized', () => {
  const part = fc.constantFrom('.', '..', '', 'a', 'b', 'c.d', '...');
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), fc.boolean(), (parts, isAbsolute) => {
      const name = `${isAbsolute ? '/' : ''}${parts.join('/')}`;
      const inside = partsInside(name);
      const normal = posix.normalize(`./${name}`);
      if (inside === undefined) expect(normal).toMatch(/^\.\.(\/|$)/);
      else
        expect(posix.normalize(`/${inside.join('/')}`)).toBe(
          posix.normalize(`/${normal}`).replace(/(.)\/$/, '$1'),
        );
    }),
    runs(3000),
  );
});

test('frames of zstd and records of pax from random bytes are read or refused', () => {
  const magic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
  const skippable = Buffer.from([0x53, 0x2a, 0x4d, 0x18, 2, 0, 0, 0]);
  const bytes = fc
    .array(fc.oneof(fc.constant(magic), fc.constant(skippable), fc.uint8Array({ maxLength: 40 })), {
      maxLength: 5,
    })
    .map((all) => Buffer.concat(all));
  fc.assert(
    fc.property(bytes, fc.integer({ min: 1, max: 30 }), (stream, size) => {
      attempt(() => {
        const frames = new ZstdFrames(8 << 20);
        let length = 0;
        for (let at = 0; at < stream.length; at += size) {
          for (const found of frames.push(stream.subarray(at, at + size))) length += found.bytes.length;
        }
        frames.finish();
        expect(length).toBeLessThanOrEqual(stream.length);
      });
      attempt(() => decodePax(stream, noRecords()));
    }),
    runs(3000),
  );
});

test('decodePax() ends at a record without a blank, where an earlier one has its', () => {
  const bytes = Buffer.from('22 GNU.sparse.major=1\nno-length\n');
  expect(() => decodePax(bytes, noRecords())).toThrow('a pax header is malformed');
});
