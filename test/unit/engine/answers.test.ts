/** Each request is answered exactly once, whatever the file system throws; waiting is covered by the suites (fsync). */

import { expect, it } from 'vitest';
import { Answers } from '../../../src/engine/fuse-native/answers.js';
import { PathTree } from '../../../src/engine/fuse-native/path-tree.js';
import { EIO, ENOENT, ESTALE } from '../../../src/errno/errno.js';
import { fsError } from '../../../src/errno/fs-error.js';
import { FakeFileSystem } from './native-fake-file-system.js';

function setUp() {
  const fake = new FakeFileSystem({ '1/a': 2 });
  const tree = new PathTree(fake.fileSystem, 100);
  const lines: string[] = [];
  const log = (line: string) => void lines.push(line);
  const failed: [errno: number, asked: string][] = [];
  const answers = new Answers({
    ...{ fs: fake.fileSystem, tree, log, debug: false },
    failed: (errno, { op, path }) => void failed.push([errno, `${op} ${path}`]),
  });
  const replies: [status: number, value: unknown][] = [];
  const run = (attempt: () => unknown) =>
    answers.answer(
      { op: 'getattr', path: '/a' },
      attempt,
      (status, value) => void replies.push([status, value]),
    );
  return { answers, fake, tree, lines, replies, run, failed };
}

it('answers a value with 0, and an FsError with its errno negated, and tells where it failed', () => {
  const { answers, replies, run, failed } = setUp();
  run(() => 'x');
  run(() => {
    throw fsError(ENOENT, 'lookup');
  });
  expect(replies).toEqual([
    [0, 'x'],
    [-ENOENT, undefined],
  ]);
  expect(answers.counts()).toEqual({ getattr: 2 });
  expect(failed).toEqual([[ENOENT, 'getattr /a']]);
});

it('answers any other throw with EIO, and logs it once', () => {
  const { lines, replies, run } = setUp();
  const fault = new Error('a fault');
  for (let i = 0; i < 3; i++)
    run(() => {
      throw fault;
    });
  expect(replies).toEqual([
    [-EIO, undefined],
    [-EIO, undefined],
    [-EIO, undefined],
  ]);
  expect(lines).toEqual([expect.stringContaining('getattr: Error: a fault')]);
});

it('looks names up again after ESTALE, once', () => {
  const { fake, tree, replies, run } = setUp();
  tree.resolve(['a']);
  let attempts = 0;
  run(() => {
    attempts++;
    if (attempts === 1) throw fsError(ESTALE, 'open');
    return tree.resolve(['a']).id;
  });
  expect(fake.lookups).toBe(2);
  run(() => {
    throw fsError(ESTALE, 'open');
  });
  expect(replies).toEqual([
    [0, 2],
    [-ESTALE, undefined],
  ]);
});
