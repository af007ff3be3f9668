/** zstd streams of all forms, by the program and by fzstd: the same bytes, or the same refusal. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import fc from 'fast-check';
import { decompress } from 'fzstd';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compressionOf } from '../../../src/archive/compress/decompress.js';
import { zstd, zstdInNode, zstdInScript } from '../../../src/archive/compress/zstd.js';
import { UserError } from '../../../src/errno/user-error.js';
import { pieces } from '../image/layers-of.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'plyfs-zstd-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function compressed(bytes: Buffer, ...options: string[]): Buffer {
  const { status, stdout, stderr } = spawnSync('zstd', ['-qc', ...options], {
    input: bytes,
    maxBuffer: 64 << 20,
  });
  if (status !== 0) throw new Error(stderr.toString());
  return stdout;
}

/** A frame that holds something else than data. */
function skippable(bytes: number): Buffer {
  const frame = Buffer.alloc(8 + bytes, 7);
  frame.writeUInt32LE(0x184d2a53, 0);
  frame.writeUInt32LE(bytes, 4);
  return frame;
}

async function* source(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  yield* pieces(bytes, size);
}

async function bytesOf(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

const text = Buffer.from(Array.from({ length: 60_000 }, (_, index) => `${index % 977} ${index}\n`).join(''));
const streams: readonly (readonly [what: string, make: () => Buffer, bytes: Buffer])[] = [
  ['one frame', () => compressed(text), text],
  ['a small window and a checksum', () => compressed(text, '-1', '--check'), text],
  ['the largest of the usual windows', () => compressed(text, '-19'), text],
  ['runs of one byte', () => compressed(Buffer.alloc(3 << 20)), Buffer.alloc(3 << 20)],
  ['an empty frame', () => compressed(Buffer.alloc(0)), Buffer.alloc(0)],
  [
    'many frames in a row',
    () => Buffer.concat(Array.from({ length: 200 }, () => compressedWord)),
    Buffer.from('word'.repeat(200)),
  ],
  [
    'frames to be skipped: first, between, last',
    () =>
      Buffer.concat([
        skippable(9),
        compressed(text),
        skippable(0),
        skippable(70_000),
        compressed(text),
        skippable(1),
      ]),
    Buffer.concat([text, text]),
  ],
];
const compressedWord = compressed(Buffer.from('word'));

/** As Node 22 and 24 unpack: one frame, and what comes after it does not count. */
const oneFrame = {
  createZstdDecompress: () => {
    const gathered: Buffer[] = [];
    return new Transform({
      transform: (chunk: Buffer, _, done) => done(null, void gathered.push(chunk)),
      flush(done) {
        try {
          done(null, oneFrame.zstdDecompressSync(Buffer.concat(gathered)));
        } catch (error) {
          done(error as Error);
        }
      },
    });
  },
  zstdDecompressSync: (bytes: Buffer) => Buffer.from(decompress(bytes)),
};

for (const [by, unpack] of [
  ['zstd()', zstd],
  ['zstdInNode()', (stream: AsyncIterable<Buffer>) => zstdInNode(stream, {}, oneFrame)],
  ['zstdInScript()', zstdInScript],
] as const) {
  describe(by, () => {
    for (const [what, make, bytes] of streams) {
      test(what, async () => {
        const stream = make();
        expect(compressionOf(stream)).toBe('zstd');
        for (const size of [1 << 20, 4097]) {
          expect((await bytesOf(unpack(source(stream, size)))).equals(bytes)).toBe(true);
        }
      });
    }

    test('what is cut off, damaged, or no frame is refused', async () => {
      const frame = compressed(text, '--check');
      for (const end of [5, 6, 9, 1000, frame.length - 1]) {
        await expect(bytesOf(unpack(source(frame.subarray(0, end), 700)))).rejects.toThrow(/truncated/);
      }
      const more = Buffer.concat([frame, Buffer.from('and something else')]);
      await expect(bytesOf(unpack(source(more, 700)))).rejects.toThrow(/compressed data is damaged/);
    });

    test('a dictionary that is elsewhere', async () => {
      const samples = Array.from({ length: 300 }, (_, index) => {
        const path = join(folder, `sample${index}`);
        writeFileSync(path, text.subarray(index * 800, index * 800 + 1000));
        return path;
      });
      const dictionary = join(folder, 'dictionary');
      expect(
        spawnSync('zstd', ['-q', '--train', ...samples, '-o', dictionary, '--maxdict=4000', '-f']).status,
      ).toBe(0);
      const stream = compressed(text.subarray(0, 5000), '-D', dictionary);
      await expect(bytesOf(unpack(source(stream, 700)))).rejects.toThrow(/needs a dictionary/);
    });

    test('a window that is too large', async () => {
      const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0xa8, 1, 0, 0]);
      await expect(bytesOf(unpack(source(header, 700)))).rejects.toThrow(/needs a window of more than/);
    });

    test('a source that fails, and a reader that stops', async () => {
      const stream = compressed(text);
      async function* failing(): AsyncGenerator<Buffer> {
        yield stream.subarray(0, 100);
        throw new UserError('the source failed');
      }
      await expect(bytesOf(unpack(failing()))).rejects.toThrow('the source failed');
      for await (const chunk of unpack(source(compressed(Buffer.alloc(8 << 20)), 700))) {
        expect(chunk.length).toBeGreaterThan(0);
        break;
      }
    });
  });
}

test('a damaged frame is unpacked or refused', { timeout: 120_000 }, async () => {
  const frame = compressed(text.subarray(0, 20_000));
  await fc.assert(
    fc.asyncProperty(fc.nat(frame.length - 1), fc.nat(255), async (at, byte) => {
      const spoiled = Buffer.from(frame);
      spoiled[at] = byte;
      const outcome = await bytesOf(zstdInScript(source(spoiled, 700))).catch((error: unknown) => error);
      if (!Buffer.isBuffer(outcome)) expect(outcome).toBeInstanceOf(UserError);
    }),
    { seed: 20261126, numRuns: 300 },
  );
});
