/** Patterns mean what a regular expression of the same meaning does, and take no longer than their length allows. */

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are Dockerfile variables

import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as cuts from '../../../src/dockerfile/cut-value.js';
import { ExpansionLimits } from '../../../src/dockerfile/expansion-limits.js';
import { expandUnquoted, expandValue, expandWords } from '../../../src/dockerfile/words.js';
import { pathMatcher } from '../../../src/image-build/context/pattern.js';

const cutValue = (value: string, operator: string, pattern: string) =>
  cuts.cutValue(value, { operator, pattern }, new ExpansionLimits());
const replaceInValue = (value: string, replacing: cuts.Replacing) =>
  cuts.replaceInValue(value, replacing, new ExpansionLimits());

const regexOf = (pattern: string) => pattern.replaceAll('*', '.*').replaceAll('?', '.');
const text = fc.string({ unit: fc.constantFrom('a', 'b', '/', 'é'), maxLength: 12 });
const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', 'é'), maxLength: 8 });

test('cutValue() cuts what the expression matches, from both ends', () => {
  fc.assert(
    fc.property(text, pattern, (value, glob) => {
      const whole = new RegExp(`^${regexOf(glob)}$`, 's');
      const parts = Array.from({ length: value.length + 1 }, (_, at) => [
        value.slice(0, at),
        value.slice(at),
      ]);
      const heads = parts.filter(([head]) => whole.test(head!)).map(([, rest]) => rest);
      const tails = parts.filter(([, tail]) => whole.test(tail!)).map(([rest]) => rest);
      expect(cutValue(value, '#', glob)).toBe(heads[0] ?? value);
      expect(cutValue(value, '##', glob)).toBe(heads.at(-1) ?? value);
      expect(cutValue(value, '%', glob)).toBe(tails.at(-1) ?? value);
      expect(cutValue(value, '%%', glob)).toBe(tails[0] ?? value);
    }),
    { numRuns: 3000, seed: 12 },
  );
});

test('replaceInValue() replaces what the expression finds', () => {
  fc.assert(
    fc.property(text, pattern, (value, glob) => {
      const found = new RegExp(regexOf(glob), 's');
      expect(replaceInValue(value, { pattern: glob, replacement: 'X$&', isGlobal: false })).toBe(
        value.replace(found, () => 'X$&'),
      );
      // Of an empty match behind another one Go and JavaScript say different things.
      if (/^\**$/.test(glob)) return;
      expect(replaceInValue(value, { pattern: glob, replacement: 'X', isGlobal: true })).toBe(
        value.replaceAll(new RegExp(regexOf(glob), 'gs'), () => 'X'),
      );
    }),
    { numRuns: 3000, seed: 12 },
  );
  expect(replaceInValue('abc', { pattern: '*', replacement: 'X', isGlobal: true })).toBe('X');
});

test.each([
  ['****************(*', 'a/'.repeat(40)],
  ['*a*a*a*a*a*a*a*a*a*a*b', 'a'.repeat(250)],
  ['**/a/**/a/**/a/**/a/**/a/**/a/**/b', 'a/'.repeat(120)],
  ['**/**/**/**/**/**/**/**/x', 'a/'.repeat(120)],
])('pathMatcher(%j) answers at once', (glob, path) => {
  const start = performance.now();
  expect(pathMatcher(glob)(path)).toBe(false);
  expect(performance.now() - start).toBeLessThan(1000);
});

test('cutValue() and replaceInValue() answer at once', () => {
  const value = 'a'.repeat(20_000);
  const glob = '*a*a*a*a*a*a*a*a*b';
  const start = performance.now();
  expect(cutValue(value, '%%', glob)).toBe(value);
  expect(replaceInValue(value, { pattern: `a${glob}`, replacement: '', isGlobal: true })).toBe(value);
  expect(performance.now() - start).toBeLessThan(3000);
});

const GREEDY = '${A//$A$A*$A}';

test.each<[string, string, RegExp]>([
  ['a replacement that grows', '${A//?/${A//?/$A}}', /variables come to more than 1048576 characters/],
  ['a value again and again', '$A'.repeat(1000), /variables come to more than/],
  ['a pattern that grows', '${A//${A//?/$A}}', /variables come to more than/],
  ['long patterns with stars', GREEDY.repeat(20), /patterns take too long/],
  ['a place that costs little, often', '${A//?/}'.repeat(500), /patterns take too long/],
  ['braces in braces', '${A:+'.repeat(20_000), /more than 100 variables stand in each other's braces/],
])('expandValue() refuses %s', (_, text, message) => {
  const lookup = (): string => 'a b'.repeat(500);
  for (const expand of [expandValue, expandWords, expandUnquoted])
    expect(() => expand(text, lookup)).toThrow(message);
});

test('expandValue() makes what a Dockerfile can mean', () => {
  const value = 'a b'.repeat(500);
  const path = '/usr/lib/a:'.repeat(300);
  const lookup = (name: string): string => (name === 'A' ? value : path);
  expect(expandValue(GREEDY, lookup)).toBe(value);
  expect(expandValue('$A'.repeat(600), lookup)).toHaveLength(900_000);
  expect(expandValue('${P//:/;}'.repeat(100), lookup)).toBe(path.replaceAll(':', ';').repeat(100));
  expect(expandValue(`${'${A:+'.repeat(100)}x${'}'.repeat(100)}`, lookup)).toBe('x');
});
