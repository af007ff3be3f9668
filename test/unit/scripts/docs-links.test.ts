/** Links and paths in the documents, and files that comments name, are there. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const documents = [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'scripts/README.md', 'test/README.md'],
  ...readdirSync(join(root, 'src'), { encoding: 'utf8', recursive: true })
    .filter((name) => name.endsWith('README.md'))
    .map((name) => join('src', name)),
  ...readdirSync(join(root, 'docs'), { encoding: 'utf8', recursive: true })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

/** What a document leads to that is not there. */
function dead(path: string, text: string): string[] {
  const links = [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].map(([, to = '']) =>
    relative(root, resolve(root, dirname(path), to)),
  );
  const named = [...text.matchAll(/`((?:src|test|docs|scripts)\/[\w./-]+?)\/?`/g)].map(([, to = '']) => to);
  return [...links, ...named].filter((to) => !existsSync(join(root, to)));
}

describe('documents', () => {
  it.each(documents)('%s leads to nothing that is not there', (path) => {
    expect(dead(path, readFileSync(join(root, path), 'utf8'))).toEqual([]);
  });

  it('are looked at: a link and a path that lead nowhere are found', () => {
    expect(dead('docs/X.md', 'see [it](GONE.md), `src/gone.ts`, [here](../README.md), `src/union`')).toEqual([
      'docs/GONE.md',
      'src/gone.ts',
    ]);
  });
});

describe('decisions', () => {
  const folder = join(root, 'docs/decisions');
  const files = readdirSync(folder).filter((name) => name !== 'README.md');

  it('are files of a number of their own and a title, and stand in the index', () => {
    expect(files.filter((name) => !/^\d{3}-[a-z0-9-]+\.md$/.test(name))).toEqual([]);
    const numbers = files.map((name) => name.slice(0, 3));
    expect(new Set(numbers).size).toBe(files.length);
    const index = [...readFileSync(join(folder, 'README.md'), 'utf8').matchAll(/^\| \[(\d{3})\]\((.+?)\)/gm)];
    expect(index.map(([, , file]) => file)).toEqual(files.toSorted());
    expect(index.map(([, number]) => number)).toEqual(numbers.toSorted());
  });
});

const sources = ['src', 'test', 'scripts'].flatMap((top) =>
  readdirSync(join(root, top), { encoding: 'utf8', recursive: true }).map((name) => join(top, name)),
);

/** Files that comments name, whole or by the end of their path, and that are not there. */
function deadNames(text: string): string[] {
  const comments = text.split('\n').filter((line) => /^\s*(?:\/\/|\/?\*)/.test(line));
  return [...comments.join('\n').matchAll(/(?<![\w*./-])[a-z][\w-]*(?:\/[\w-]+)*(?:\.[\w-]+)*\.(?:ts|py)\b/g)]
    .map(([name]) => name)
    .filter((name) => !sources.some((path) => `/${path}`.endsWith(`/${name}`)));
}

describe('comments', () => {
  it('name files that are there', () => {
    const found = sources
      .filter((path) => path.endsWith('.ts'))
      .flatMap((path) => deadNames(readFileSync(join(root, path), 'utf8')).map((name) => `${path}: ${name}`));
    expect(found).toEqual([]);
  });

  it('are looked at: a file that is gone is found', () => {
    expect(
      deadNames("/** See gone/away.ts and vfs/file-system.ts. */\nconst path = 'no/comment.ts';"),
    ).toEqual(['gone/away.ts']);
  });
});
