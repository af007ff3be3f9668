/** The order of test files. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LONGEST, longestFirst } from '../../helpers/longest-first.js';
import { projectRoot } from '../../helpers/project-paths.js';

test('the files that are said to take longest are there', () => {
  expect(LONGEST.filter((name) => !existsSync(join(projectRoot, 'test', name)))).toEqual([]);
});

test('files that take longest begin first, and the others stay in their order', () => {
  const [first = '', second = ''] = LONGEST;
  const names = ['unit/z.test.ts', second, 'unit/a.test.ts', first];
  const files = names.map((name) => ({ moduleId: `/clone/test/${name}` }));
  const sorted = longestFirst(files).map(({ moduleId }) => moduleId.slice('/clone/test/'.length));
  expect(sorted).toEqual([first, second, 'unit/z.test.ts', 'unit/a.test.ts']);
});
