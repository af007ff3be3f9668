/** Holds the table of coverage against the suites and the tests that it names. */

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { projectRoot } from '../helpers/project-paths.js';
import type { Sentence, TestTitle } from './coverage/sentence.js';
import { coverage } from './coverage-table.js';
import { plyfsFailures } from './known-failures/plyfs.js';
import { allSuites } from './suites/suites.js';

const sentences: readonly Sentence[] = coverage.flatMap((item) => item.sentences);
const proofs = sentences.flatMap(({ cases }) => cases);
const cases = proofs.filter((proof) => typeof proof === 'string');

/** The points of section 2, each on one line. */
const statements = readFileSync(`${projectRoot}/docs/SEMANTICS.md`, 'utf8')
  .split(/^## /m)
  .filter((section) => section.startsWith('2. '))
  .flatMap((section) => section.split(/^- /m).slice(1))
  .map((point) => point.replace(/\s+/g, ' ').trim());

function isFound({ file, test }: TestTitle): boolean {
  const path = `${projectRoot}/${file}`;
  if (!existsSync(path)) return false;
  const text = readFileSync(path, 'utf8');
  return text.includes(`'${test}`) || text.includes(`\`${test}`);
}

function repeated(names: readonly string[]): string[] {
  return names.filter((name, index) => names.indexOf(name) !== index);
}

describe('the table of coverage', () => {
  it('names cases that the suites have', () => {
    const known = new Set(
      allSuites.flatMap(({ name, cases }) => cases.map((test) => `${name}: ${test.name}`)),
    );
    expect(cases.filter((name) => !known.has(name))).toEqual([]);
  });

  it('names titles that the files have', () => {
    const titles = proofs.filter((proof) => typeof proof !== 'string');
    expect(titles.filter((title) => !isFound(title))).toEqual([]);
  });

  it('has a case for each sentence', () => {
    expect(sentences.filter((one) => one.cases.length === 0).map(({ sentence }) => sentence)).toEqual([]);
  });

  it('has no sentence twice, nor a case twice in one', () => {
    expect(repeated(sentences.map(({ sentence }) => sentence))).toEqual([]);
    const keys = (one: Sentence): string[] => one.cases.map((proof) => JSON.stringify(proof));
    expect(sentences.flatMap((one) => repeated(keys(one)))).toEqual([]);
  });

  it('quotes what the contract says of the union', () => {
    const quotes = coverage.flatMap(({ contract }) => contract);
    expect(quotes.filter((quote) => !statements.some((one) => one.includes(quote)))).toEqual([]);
    expect(repeated(quotes)).toEqual([]);
  });

  it('has an item for each statement of the contract on the union', () => {
    const quotes = coverage.flatMap(({ contract }) => contract);
    expect(statements.length).toBeGreaterThan(5);
    expect(statements.filter((one) => !quotes.some((quote) => one.includes(quote)))).toEqual([]);
  });

  it('names no case that plyfs fails', () => {
    expect(cases.filter((name) => name in plyfsFailures)).toEqual([]);
  });
});
