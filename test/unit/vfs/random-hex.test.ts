/** Random names: as long as asked for, and each another. */

import { expect, test } from 'vitest';
import { randomHex } from '../../../src/vfs/random-hex.js';

test('randomHex() gives two digits a byte, and never the same again', () => {
  const names = Array.from({ length: 200 }, () => randomHex(16));
  expect(new Set(names).size).toBe(200);
  for (const name of names) expect(name).toMatch(/^[0-9a-f]{32}$/);
  // No digit is left out: 6400 of them.
  expect(new Set(names.join('')).size).toBe(16);
  expect(randomHex(32)).toHaveLength(64);
});
