/** What the page makes of names: addresses that lose nothing, text that misleads nobody; and where boxes lie. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { aboveOf, directoryOf, hashOf, placeOf } from '../../../src/ui/page/address.js';
import {
  placeInStore,
  shownCount,
  shownMode,
  shownName,
  shownSize,
  shownTime,
  withShortDigests,
} from '../../../src/ui/page/shown-text.js';
import { stepLine } from '../../../src/ui/page/sparkline.js';
import { squarify } from '../../../src/ui/page/treemap-layout.js';
import { displayName } from '../../../src/vfs/name.js';

const name = fc
  .uint8Array({ minLength: 1, maxLength: 12 })
  .map((bytes) =>
    displayName(Buffer.from(bytes).toString('latin1').replaceAll('/', '_').replaceAll('\0', '_')),
  );

describe('placeOf() and hashOf()', () => {
  test('give any name back, whatever its bytes are', () => {
    fc.assert(
      fc.property(name, fc.array(name, { maxLength: 4 }), name, (source, names, value) => {
        const path = names.join('/');
        const place = placeOf(hashOf({ view: 'tree', source, path, query: { key: value } }));
        expect(place).toEqual({ view: 'tree', source, path, query: new Map([['key', value]]) });
      }),
    );
  });

  test('write addresses that can be read', () => {
    expect(hashOf({ view: 'tree', source: 'image:a/b:1', path: 'etc/ä b' })).toBe(
      '#/tree/image:a%2Fb:1/etc/%C3%A4%20b',
    );
    expect(placeOf('').view).toBe('home');
    expect(placeOf('#/tree/image:app/%zz%')).toMatchObject({ path: '%zz%' });
  });

  test('the path of a directory ends with a slash', () => {
    expect([directoryOf('a/b/c'), directoryOf('a/b/'), directoryOf('a')]).toEqual(['a/b/', 'a/b/', '']);
    expect([aboveOf('a/b/'), aboveOf('a/'), aboveOf('')]).toEqual(['a/', '', '']);
  });
});

describe('shownName()', () => {
  test('writes out what could mislead, and leaves other scripts as they are', () => {
    expect(shownName('a\nb\x1b[31m')).toBe('a\\nb\\e[31m');
    expect(shownName('\u202egpj.exe\udcff')).toBe('\\u{202e}gpj.exe\\xff');
    expect(shownName('日本 é 👩‍🚀')).toBe('日本 é 👩‍🚀');
  });
});

test('shownMode() and shownSize() are as ls has them, sizes by thousands', () => {
  expect(shownMode('file', 0o4755)).toBe('-rwsr-xr-x');
  expect(shownMode('directory', 0o1776)).toBe('drwxrwxrwT');
  expect([0, 999, 1000, 12_340_000, 4_294_967_296].map(shownSize)).toEqual([
    '0 B',
    '999 B',
    '1.0 kB',
    '12.3 MB',
    '4.3 GB',
  ]);
});

describe('squarify()', () => {
  test('gives each size its share of the area, within the whole', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(sizes, (some) => {
        const sorted = some.toSorted((a, b) => b - a);
        const total = sorted.reduce((sum, size) => sum + size, 0);
        const boxes = squarify(sorted, { x: 0, y: 0, width: 160, height: 90 });
        expect(boxes).toHaveLength(sorted.length);
        for (const [index, { x, y, width, height }] of boxes.entries()) {
          expect(width * height).toBeCloseTo((sorted[index]! / total) * 160 * 90, 3);
          expect(Math.min(x, y)).toBeGreaterThan(-1e-6);
          expect(Math.max(x + width - 160, y + height - 90)).toBeLessThan(1e-6);
        }
      }),
    );
  });

  test('draws nothing of nothing', () =>
    expect(squarify([], { x: 0, y: 0, width: 1, height: 1 })).toEqual([]));
});

test('shownTime() is that of where one is, shownCount() has words in their number, digests are short', () => {
  expect(shownTime(new Date(2026, 0, 2, 3, 4, 5).getTime())).toBe('2026-01-02 03:04:05');
  expect([shownTime(Number.NaN), shownCount(1, 'file'), shownCount(2000, 'file')]).toEqual([
    '',
    '1 file',
    '2,000 files',
  ]);
  expect(withShortDigests(`sha256:${'ab'.repeat(32)}`)).toBe('sha256:abababababab…');
  expect(placeInStore(`/var/lib/plyfs/layers/${'ab'.repeat(32)}/tree/etc`)).toBe(
    '…/layers/abababababab…/tree/etc',
  );
  expect(placeInStore('/srv/layers/x')).toBe('/srv/layers/x');
});

test('stepLine() holds a figure until it was found to be another', () => {
  const points = [0, 10, 20].map((timeMs, index) => ({ timeMs, bytes: index * 50 }));
  expect(stepLine(points, 100)).toBe('M0 72 H150 V38 H300 V4');
  expect(stepLine([points[0]!, points[0]!], 0)).toBe('M0 72 H0 V72');
});
