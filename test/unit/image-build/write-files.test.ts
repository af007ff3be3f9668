import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writeContent } from '../../../src/image-build/stage/write-files.js';

let root: string;
let rootFd: number;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'plyfs-write-files-'));
  mkdirSync(join(root, 'x/y'), { recursive: true });
  symlinkSync('x/y', join(root, 'a'));
  rootFd = openSync(root, 'r');
});
afterEach(() => {
  closeSync(rootFd);
  rmSync(root, { recursive: true });
});

const write = (target: string) =>
  writeContent(
    Buffer.from('content'),
    { name: 'f', mode: 0o644, permissions: undefined },
    { rootFd, target, owner: undefined },
  );

it.each([
  ['a file', '../z', '/a/l', 'x/z'],
  ['a directory', '../d', '/a/l/f', 'x/d/f'],
  ['a directory, by its whole name', '/d/', '/a/l/f', 'd/f'],
  ['what lies above the root', '../../../../z', '/a/l', 'z'],
])('a symlink behind a symlink leads to %s that is not there yet', (_what, content, target, expected) => {
  symlinkSync(content, join(root, 'x/y/l'));
  write(target);
  expect(readFileSync(join(root, expected), 'utf8')).toBe('content');
});
