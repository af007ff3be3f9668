/**
 * The corpus of Dockerfiles (test/build): each is built, and has the files and the configuration that are recorded for it.
 * `npm run test:build` compares the same with what buildah builds.
 */

import { mkdtempSync, readFileSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deleteTree } from '../../src/store/delete-tree.js';
import { type Builder, plyfsBuilder } from '../build/built-images.js';
import { CASES } from '../build/corpus-cases.js';
import { makeCorpusFiles } from '../build/corpus-files.js';
import { cliScript } from './plyfs-run.js';

const corpus = fileURLToPath(new URL('../build/corpus', import.meta.url));
const TIMEOUT_MS = 120_000;

let home: string;
let builder: Builder;

beforeAll(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'plyfs-corpus-')));
  builder = plyfsBuilder(makeCorpusFiles(home), cliScript);
});

afterAll(() => {
  builder[Symbol.dispose]();
  deleteTree(home);
});

describe('a Dockerfile of the corpus becomes what is recorded', () => {
  it.each(CASES)(
    '$name',
    (one) => {
      const lines = builder.build(one, join(corpus, `${one.name}.Dockerfile`));
      const expected = readFileSync(join(corpus, 'expected', `${one.name}.txt`), 'utf8');
      expect(lines.join('\n')).toBe(expected.trimEnd());
    },
    TIMEOUT_MS,
  );
});
