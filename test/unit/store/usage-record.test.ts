/** How much was in a volume over time: what of the older figures is kept. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readUsage, writeUsage } from '../../../src/store/usage-record.js';

const HOUR_MS = 3_600_000;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'usage-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const note = (bytes: number, timeMs: number): void =>
  writeUsage(folder, { bytes, files: 1 }, new Date(timeMs).toISOString());
const sizes = (): number[] => {
  const usage = readUsage(folder);
  return [...(usage?.earlier ?? []), ...(usage === undefined ? [] : [usage])].map(({ bytes }) => bytes);
};

test('what was measured before is kept, but for what was measured a moment before', () => {
  note(1, 0);
  note(2, HOUR_MS);
  note(3, HOUR_MS + 1000);
  expect(sizes()).toEqual([1, 3]);
});

test('of a time in which nothing changed, the beginning and the end are kept', () => {
  for (let hour = 0; hour < 10; hour++) note(5, hour * HOUR_MS);
  note(6, 10 * HOUR_MS);
  expect(sizes()).toEqual([5, 5, 6]);
  expect(readUsage(folder)?.earlier?.at(-1)?.measuredAt).toBe('1970-01-01T09:00:00.000Z');
});

test('there are never many, and the older ones lie farther apart', () => {
  for (let hour = 0; hour < 126; hour++) note(hour, hour * HOUR_MS);
  const found = sizes();
  expect(found.length).toBeLessThan(125);
  expect(found.slice(-20)).toEqual(Array.from({ length: 20 }, (_, index) => 106 + index));
  expect(found[0]).toBe(0);
  expect((found[1] ?? 0) - (found[0] ?? 0)).toBe(2);
});

test('a record of an older version has no earlier ones', () => {
  const old = { bytes: 7, files: 1, measuredAt: '2026-01-01T00:00:00.000Z' };
  writeFileSync(join(folder, 'usage.json'), JSON.stringify(old));
  expect(sizes()).toEqual([7]);
  note(8, Date.parse(old.measuredAt) + HOUR_MS);
  expect(sizes()).toEqual([7, 8]);
});
