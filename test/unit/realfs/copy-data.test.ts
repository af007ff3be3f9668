/** copyData(): the same bytes, the same holes, and no more than asked for. */

import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { O_CREAT, O_RDWR, O_TRUNC } from '../../../src/linux/constants.js';
import { pwrite } from '../../../src/linux/files/data.js';
import { ftruncate } from '../../../src/linux/files/inode.js';
import { close, openat } from '../../../src/linux/files/open.js';
import { copyData } from '../../../src/realfs/copy-data.js';
import { newFile, ok, tempDirectory } from '../linux/temp-directory.js';

const BLOCK = 4096;

describe('copyData()', () => {
  it('copies any mixture of data and holes, up to any limit', () => {
    const dir = tempDirectory();
    const pieces = fc.array(fc.tuple(fc.nat(40 * BLOCK), fc.integer({ min: 1, max: 3 * BLOCK })), {
      maxLength: 5,
    });
    fc.assert(
      fc.property(pieces, fc.nat(45 * BLOCK), fc.nat(60 * BLOCK), (data, sizeBytes, limit) => {
        const source = ok(openat(dir.fd, 'source', O_CREAT | O_RDWR | O_TRUNC, 0o600));
        const target = ok(openat(dir.fd, 'target', O_CREAT | O_RDWR | O_TRUNC, 0o600));
        for (const [offset, length] of data) ok(pwrite(source, Buffer.alloc(length, 'd'), offset));
        ok(ftruncate(source, sizeBytes));
        const copied = Math.min(sizeBytes, limit);
        expect(copyData(source, target, copied)).toBe(0);
        close(source);
        close(target);
        const wanted = readFileSync(join(dir.path, 'source')).subarray(0, copied);
        expect(readFileSync(join(dir.path, 'target')).equals(wanted)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('leaves holes as holes', () => {
    const dir = tempDirectory();
    const source = newFile(dir, 'source');
    const target = newFile(dir, 'target');
    ok(pwrite(source, Buffer.alloc(BLOCK, 'd'), 1000 * BLOCK));
    expect(copyData(source, target, 1001 * BLOCK)).toBe(0);
    const { size, blocks } = statSync(join(dir.path, 'target'));
    expect(size).toBe(1001 * BLOCK);
    expect(blocks * 512).toBeLessThan(10 * BLOCK);
  });

  it('answers the errno of a target that cannot be written', () => {
    const dir = tempDirectory();
    const source = newFile(dir, 'source');
    ok(pwrite(source, Buffer.from('data'), 0));
    expect(copyData(source, -1, 4)).toBe(-9);
  });
});
