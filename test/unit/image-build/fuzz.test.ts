/**
 * Whatever text comes, Dockerfiles, ignore files and words are read, or refused with a UserError; nothing else is thrown.
 */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDockerfile } from '../../../src/dockerfile/dockerfile.js';
import { expandUnquoted, expandValue, expandWords, rawWords } from '../../../src/dockerfile/words.js';
import { UserError } from '../../../src/errno/user-error.js';
import { PathFilter, readIgnoreFile } from '../../../src/image-build/context/path-filter.js';
import { checkDockerfile } from '../../../src/image-build/stage/dockerfile-checks.js';
import { nameFromText, textFromName } from '../../../src/vfs/name.js';

const RUNS = { numRuns: 2000 };

const pieces = [
  'FROM a',
  'RUN ',
  'COPY ',
  'ONBUILD ',
  '--mount=type=bind,',
  '--',
  '<<EOF',
  '3<<-"E"',
  'EOF',
  'E',
  '\n',
  '\r\n',
  '\t',
  ' ',
  '\\',
  '`',
  "'",
  '"',
  '$',
  '${',
  '}',
  ':-',
  '/',
  '#',
  '# escape=`\n',
  '%%',
  '*',
  '**',
  '?',
  '[',
  ']',
  '^',
  '!',
  '-',
  'A',
  '=',
  '["x"]',
  '\uFEFF',
  'é',
  '\0',
];
const text = fc.array(fc.constantFrom(...pieces), { maxLength: 30 }).map((parts) => parts.join(''));
const lookup = (name: string): string | undefined => (name === 'A' ? 'a b' : undefined);

/** @returns undefined: it was refused. */
function tried<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

describe('any text is read or refused', () => {
  test('as a Dockerfile, and its lines keep their order', () => {
    fc.assert(
      fc.property(text, (source) => {
        const file = tried(() => parseDockerfile(`FROM x\n${source}`, 'f'));
        if (file === undefined) return;
        tried(() => checkDockerfile(file));
        const lines = file.stages.flatMap(({ from, instructions }) =>
          [from, ...instructions].map(({ line }) => line),
        );
        expect(lines).toEqual(lines.toSorted((a, b) => a - b));
      }),
      RUNS,
    );
  });

  test('as words', () => {
    fc.assert(
      fc.property(text, (source) => {
        tried(() => expandValue(source, lookup));
        tried(() => expandWords(source, lookup, '`'));
        tried(() => expandUnquoted(source, lookup));
        tried(() => rawWords(source));
      }),
      RUNS,
    );
  });

  test('as an ignore file, whose patterns answer for any path', () => {
    fc.assert(
      fc.property(text, text, (source, path) => {
        const filter = tried(() => new PathFilter(readIgnoreFile(source)));
        if (filter !== undefined) expect(typeof filter.matches(path.replace(/^\/+/, ''))).toBe('boolean');
      }),
      RUNS,
    );
  });
});

test('a pattern without a wildcard matches itself, and what is below it', () => {
  const name = fc.stringMatching(/^[a-zA-Z0-9._+(){}|$^é-]{1,8}$/).filter((one) => !/^\.+$/.test(one));
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 3 }), name, (parts, other) => {
      const path = parts.join('/');
      const filter = new PathFilter([path]);
      expect([filter.matches(path), filter.matches(`${path}/${other}`)]).toEqual([true, true]);
      expect(filter.matches(`${path}${other}`)).toBe(false);
    }),
  );
});

test('any bytes of a name come back from the text that stands for them', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
      const name = Buffer.from(bytes).toString('latin1');
      expect(nameFromText(textFromName(name))).toBe(name);
    }),
    RUNS,
  );
});
