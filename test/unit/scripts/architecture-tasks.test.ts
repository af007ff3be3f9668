/** The tasks that docs/ARCHITECTURE.md describes: their files are there, and no more of them than it says. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const files = ['src', 'test', 'docs'].flatMap((top) =>
  readdirSync(join(root, top), { encoding: 'utf8', recursive: true }).map((name) => `${top}/${name}`),
);

/** The most files that a task may touch; a new opcode has bytes, records and three file systems that answer it. */
const LIMIT = 8;
const LIMITS: ReadonlyMap<string, number> = new Map([['a new opcode', 10]]);

interface Task {
  readonly name: string;
  readonly count: number;
  /** Files and folders. */
  readonly named: readonly string[];
}

function tasksOf(text: string): Task[] {
  return [...text.matchAll(/^\| \*\*(.+?)\*\* \((\d+)\) \| (.*) \|$/gm)].map(
    ([, name = '', count, cell = '']) => ({
      name,
      count: Number(count),
      named: [...cell.matchAll(/`([\w./-]+(?:\.\w+|\/))`/g)].map(([, path = '']) => path),
    }),
  );
}

/** A file by itself stands beside one that was named before. */
function isThere(path: string): boolean {
  return path.includes('/') ? existsSync(join(root, path)) : files.some((file) => file.endsWith(`/${path}`));
}

const tasks = tasksOf(readFileSync(join(root, 'docs/ARCHITECTURE.md'), 'utf8'));

it('has the six tasks', () => {
  expect(tasks.map(({ name }) => name)).toEqual([
    'xattrs at copy-up',
    'a new opcode',
    'a mount type',
    'a Dockerfile instruction',
    'a volume command',
    'following a byte of a LOOKUP',
  ]);
});

it.each(tasks)('$name: its files are there, and no more than it says', ({ name, count, named }) => {
  expect(named.filter((path) => !isThere(path))).toEqual([]);
  const its = named.filter((path) => !path.endsWith('/'));
  expect(its.length).toBeGreaterThan(2);
  expect(its.length).toBeLessThanOrEqual(count);
  expect(count).toBeLessThanOrEqual(LIMITS.get(name) ?? LIMIT);
});

it('finds a file that is gone', () => {
  const [task] = tasksOf(
    '| **a task** (3) | `src/gone.ts`, `also-gone.ts` beside it, a file in `src/union/` |',
  );
  expect(task).toEqual({ name: 'a task', count: 3, named: ['src/gone.ts', 'also-gone.ts', 'src/union/'] });
  expect(task?.named.filter((path) => !isThere(path))).toEqual(['src/gone.ts', 'also-gone.ts']);
});
