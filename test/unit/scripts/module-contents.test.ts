/** The written part of modules' READMEs: what it says, and that the check sees it out of date. */

import { describe, expect, it } from 'vitest';
import {
  contentsFindings,
  firstSentence,
  withoutContents,
  writeContents,
} from '../../../scripts/check/module-contents.js';
import { mayImport } from '../../../scripts/import-direction.js';

const store = { path: 'src/store/README.md', text: '# store\n\nWhat is kept.\n' };
const lock = {
  path: 'src/store/lock.ts',
  text: '/**\n * Locks between\n * processes. More.\n */\nexport {};\n',
};

function written(...files: (typeof store)[]): string {
  return writeContents(files)[0]?.text ?? '';
}

describe('writeContents()', () => {
  it('appends what a module may import and a row for each file', () => {
    const text = written(store, lock);
    expect(text.startsWith('# store\n\nWhat is kept.\n\n## Files\n')).toBe(true);
    expect(text).toContain(`May import ${mayImport.store?.map((name) => `\`${name}\``).join(', ')}.`);
    expect(text).toContain('| lock.ts | Locks between processes. |');
  });

  it('writes nothing that is up to date, and a new file into its place', () => {
    const readme = { path: store.path, text: `${written(store, lock)}\nAfter.\n` };
    expect(writeContents([readme, lock])).toEqual([]);
    const more = { path: 'src/store/intent.ts', text: '/** What is begun. */' };
    const text = written(readme, lock, more);
    expect(text).toContain('| intent.ts | What is begun. |');
    expect(text.endsWith('\nAfter.\n')).toBe(true);
  });

  it('names folders with what they may import, and leaves a folder with a README of its own to that', () => {
    const readme = { path: 'src/container/README.md', text: '# container\n' };
    const inner = { path: 'src/container/cgroup/README.md', text: '# cgroup\n' };
    const files = ['record/find.ts', 'cgroup/plan-cgroups.ts'].map((name) => ({
      path: `src/container/${name}`,
      text: '/** Text. */',
    }));
    const text = written(readme, inner, ...files);
    expect(text).toContain('| **record/** | of `container` it may import `enter` |\n| find.ts | Text. |');
    expect(text).toContain('([README](cgroup/README.md))');
    expect(text).not.toContain('plan-cgroups.ts');
  });
});

describe('contentsFindings()', () => {
  it('tells a README that is out of date, and modules that have none', () => {
    const found = contentsFindings([store, lock]);
    expect(found.filter(({ path }) => path === store.path)).toHaveLength(1);
    expect(found.filter(({ message }) => message === 'the module has no README.md')).toHaveLength(
      Object.keys(mayImport).length - 1,
    );
    const current = { path: store.path, text: written(store, lock) };
    expect(contentsFindings([current, lock]).filter(({ path }) => path === store.path)).toEqual([]);
  });
});

describe('withoutContents()', () => {
  it('takes the written part out, and leaves a text without one as it is', () => {
    expect(withoutContents(written(store, lock))).toBe('# store\n\nWhat is kept.\n\n## Files\n\n\n');
    expect(withoutContents(store.text)).toBe(store.text);
  });
});

describe('firstSentence()', () => {
  it('takes a clause of a long sentence, or as many words as fit', () => {
    const clause = `A sentence of a certain length: ${'word '.repeat(40)}`;
    expect(firstSentence(`/** ${clause}. */`)).toBe('A sentence of a certain length.');
    const long = firstSentence(`/** ${'word '.repeat(60)}. */`);
    expect(long.length).toBeLessThanOrEqual(130);
    expect(long.endsWith(' ...')).toBe(true);
  });

  it('is empty for a file without a comment', () => {
    expect(firstSentence('export {};')).toBe('');
  });
});
