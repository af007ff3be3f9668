/** A registry that answers at random: each pull works, or fails in one line and leaves nothing, and ends. */

import { existsSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { UserError } from '../../../../src/errno/user-error.js';
import { hostPlatform } from '../../../../src/image/oci/platform.js';
import { parseReference } from '../../../../src/image/oci/reference.js';
import { pullImage } from '../../../../src/image/registry/pull-image.js';
import { FakeRegistry } from '../../../helpers/fake-registry.js';
import { LayoutBuilder } from '../../../helpers/oci-layout.js';
import { tarBytes } from '../../../helpers/tar-bytes.js';
import { ImageBench } from '../layers-of.js';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const layout = new LayoutBuilder();
const image = layout.image([tarBytes({ name: 'f', content: 'x'.repeat(4000) })], { gzip: true });
const parts = [...layout.files].map(
  ([name, bytes]) => [`sha256:${name.replace(/^.*\//, '')}`, bytes] as const,
);

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** No status that is worth another try: the pauses would be longer than the test. */
const answer: fc.Arbitrary<Answer | undefined> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(undefined) },
  {
    weight: 2,
    arbitrary: fc.record({
      status: fc.constantFrom(200, 201, 204, 206, 301, 302, 307, 400, 401, 403, 404, 416),
      headers: fc.dictionary(
        fc.constantFrom(
          'content-type',
          'content-encoding',
          'location',
          'www-authenticate',
          'content-range',
          'link',
        ),
        fc.constantFrom(
          MANIFEST,
          'gzip',
          'br',
          'x',
          '/v2/',
          'http://[',
          'Bearer realm="x"',
          'Basic realm=x',
          'Bearer',
          'bytes 0-1/2',
          '<x>; rel=next',
        ),
      ),
      body: fc.oneof(
        fc.constantFrom(
          ...parts.map(([, bytes]) => bytes),
          gzipSync('x'),
          Buffer.from('<html>'),
          Buffer.alloc(0),
        ),
        fc.json({ maxDepth: 2 }).map((text) => Buffer.from(text)),
      ),
    }),
  },
);

test('random answers', { timeout: 120_000 }, async () => {
  await using remote = await FakeRegistry.start();
  for (const [digest, bytes] of parts) {
    if (digest === image.digest) remote.manifests.set('1', { bytes, mediaType: MANIFEST });
    else remote.addBlob(bytes);
  }
  let answers: (Answer | undefined)[] = [];
  remote.handlers.push(({ url }, response) => url !== '/v2/' && give(answers.shift(), response));
  const reference = parseReference(`${remote.host}/app:1`);
  const options = { platform: hostPlatform(), notices: new Map() };
  await fc.assert(
    fc.asyncProperty(fc.array(answer, { minLength: 1, maxLength: 6 }), async (drawn) => {
      using bench = new ImageBench();
      answers = [...drawn];
      const outcome = await pullImage(bench.store, reference, options).catch((error: unknown) => error);
      if (outcome instanceof Error) {
        expect(outcome).toBeInstanceOf(UserError);
        expect(outcome.message).not.toMatch(/\n|Cannot read prop|is not a/);
      }
      // Refused at its manifest, it has not touched the store.
      const all = existsSync(bench.store.path('images')) ? bench.leftovers() : [];
      const left = all.filter((name) => /\.new-|pending\/|trash\//.test(name));
      expect(left).toEqual([]);
      // The next one finds nothing in its way.
      answers = [];
      await pullImage(bench.store, reference, options);
    }),
    { seed: 20261129, numRuns: 60 },
  );
});

function give(drawn: Answer | undefined, response: ServerResponse): boolean {
  if (drawn === undefined) return false;
  response.writeHead(drawn.status, drawn.headers).end(drawn.status === 204 ? undefined : drawn.body);
  return true;
}
