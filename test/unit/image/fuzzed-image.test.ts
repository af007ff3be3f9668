/** Random damage to tars and JSON: an answer or a clear error, never a hang, a crash or something left behind. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeHeader } from '../../../src/archive/tar/encode.js';
import type { TarEntry } from '../../../src/archive/tar/entry.js';
import { TarReader } from '../../../src/archive/tar/reader.js';
import { UserError } from '../../../src/errno/user-error.js';
import { loadImages } from '../../../src/image/add/load-image.js';
import { LayoutBuilder } from '../../helpers/oci-layout.js';
import { pieceBytes, tarBytes } from '../../helpers/tar-bytes.js';
import { ImageBench, pieces } from './layers-of.js';

const SEED = 20261124;
const NO_DATA = Buffer.alloc(1024);

/** All entries of a tar, by whatever pieces it comes in. */
function entriesOf(tar: Buffer, size = 512): TarEntry[] {
  const entries: TarEntry[] = [];
  const reader = new TarReader({
    entry: (entry) => entries.push(entry),
    data: () => undefined,
    end: () => undefined,
  });
  for (const piece of pieces(tar, size)) reader.write(piece);
  reader.finish({ wantsEnd: true });
  return entries;
}

const name = fc
  .array(fc.constantFrom('a', 'b', 'é', '\xff', ' ', 'x'.repeat(60), '\n'), { minLength: 1, maxLength: 5 })
  .map((parts) => Buffer.from(parts.join('/'), 'utf8').toString('latin1'));

const entry: fc.Arbitrary<TarEntry> = fc.record({
  name,
  type: fc.constantFrom('file', 'symlink', 'link', 'fifo', 'character', 'block'),
  mode: fc.nat(0o7777),
  uid: fc.nat(2 ** 31 - 1),
  gid: fc.nat(2 ** 31 - 1),
  sizeBytes: fc.constant(0),
  mtimeSec: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
  mtimeNsec: fc.nat(999_999_999),
  linkName: name,
  major: fc.nat(4095),
  minor: fc.nat(0o7777777),
  xattrs: fc.option(
    fc
      .array(fc.tuple(fc.stringMatching(/^user\.[a-z]{1,20}$/), fc.uint8Array({ maxLength: 200 })), {
        minLength: 1,
        maxLength: 3,
      })
      .map(
        (pairs) =>
          new Map(
            [...pairs].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => [key, Buffer.from(value)]),
          ),
      ),
    { nil: undefined },
  ),
  extents: fc.constant(undefined),
}) as fc.Arbitrary<TarEntry>;

test('what is encoded is decoded as it was, in pieces of any size', () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 5 }), fc.integer({ min: 1, max: 2000 }), (entries, size) => {
      const tar = Buffer.concat([...entries.map((one) => encodeHeader(one).header), NO_DATA]);
      expect(entriesOf(tar, size)).toEqual(entries);
    }),
    { seed: SEED, numRuns: 200 },
  );
});

const good = tarBytes(
  { name: 'd/', type: '5' },
  { name: 'd/f', content: 'x'.repeat(700), pax: { mtime: '1.5', 'SCHILY.xattr.user.a': 'b' } },
  { name: 'l', type: '1', link: 'd/f' },
  { name: 's', content: 'ab', pax: { 'GNU.sparse.size': '9', 'GNU.sparse.map': '0,1,5,1' } },
  { name: 'd/.wh.gone' },
  { name: '././@LongLink', type: 'L', content: `${'n'.repeat(150)}\0` },
  { name: 'n', type: '2', link: 'd' },
);

/** Bytes of a good tar changed, with the checksums made right again for the half of them. */
const damaged = fc
  .tuple(
    fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
    fc.nat(good.length),
    fc.boolean(),
  )
  .map(([changes, end, isCut]) => {
    const tar = Buffer.from(good);
    for (const [at, byte] of changes) {
      tar[at] = byte;
      fixChecksum(tar, at - (at % 512));
    }
    return isCut ? tar.subarray(0, end) : tar;
  });

function fixChecksum(tar: Buffer, start: number): void {
  const block = tar.subarray(start, start + 512);
  if (block.toString('latin1', 257, 262) !== 'ustar') return;
  block.write('        ', 148, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
}

test('a damaged tar is unpacked or refused, and leaves nothing when refused', {
  timeout: 120_000,
}, async () => {
  using bench = new ImageBench();
  await fc.assert(
    fc.asyncProperty(damaged, async (tar) => {
      try {
        await bench.unpack(tar);
      } catch (error) {
        expect(error).toBeInstanceOf(UserError);
      }
      expect(bench.leftovers().filter((left) => /\.new-|pending|trash/.test(left))).toEqual([]);
    }),
    { seed: SEED, numRuns: 60 },
  );
});

const junk = fc.oneof(
  fc.constantFrom(null, true, -1, 1e300, '', '../x', 'sha256:0', [], {}),
  fc.json({ maxDepth: 1 }).map((text) => JSON.parse(text) as unknown),
);

/** Puts junk at a place of a value, found by counting. */
function spoil(value: unknown, at: { left: number }, by: unknown): unknown {
  if (at.left-- === 0) return by;
  if (Array.isArray(value)) return value.map((one) => spoil(one, at, by));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, spoil(one, at, by)]));
}

test('an image with junk in its JSON is loaded or refused', { timeout: 120_000 }, async () => {
  using bench = new ImageBench();
  const path = join(bench.root, 'a.tar');
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: { Env: ['A=b'] },
      rootfs: { type: 'layers', diff_ids: [] },
    }),
  );
  await fc.assert(
    fc.asyncProperty(fc.nat(25), junk, fc.boolean(), async (left, by, isOci) => {
      const layout = new LayoutBuilder().name(new LayoutBuilder().image([]), 'a:1');
      const manifest = spoil(
        { schemaVersion: 2, config: layout.blob(config, 'c'), layers: [] },
        { left },
        by,
      );
      const list = spoil([{ Config: 'c.json', RepoTags: ['a:1'], Layers: [] }], { left }, by);
      layout.manifests.splice(0);
      layout.name(layout.json(manifest, 'm'), 'a:1');
      const docker = [
        pieceBytes({ name: 'manifest.json', content: JSON.stringify(list) }),
        pieceBytes({ name: 'c.json', content: config }),
        NO_DATA,
      ];
      writeFileSync(path, isOci ? layout.tar() : Buffer.concat(docker));
      const outcome = await loadImages(bench.store, path).catch((error: unknown) => error);
      if (outcome instanceof Error) expect(outcome).toBeInstanceOf(UserError);
    }),
    { seed: SEED, numRuns: 80 },
  );
});
