import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { tarOf } from '../../../src/container/copy/tar-out.js';
import { AT_FDCWD, O_DIRECTORY, O_RDONLY } from '../../../src/linux/constants.js';
import { close, openat } from '../../../src/linux/files/open.js';

let root: string;
let directoryFd: number;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'plyfs-test-tar-out-'));
  mkdirSync(join(root, 'tree/sub'), { recursive: true });
  for (const name of ['tree/a', 'tree/b', 'tree/sub/c']) writeFileSync(join(root, name), name);
  directoryFd = openat(AT_FDCWD, root, O_RDONLY | O_DIRECTORY);
});
afterEach(() => {
  close(directoryFd);
  rmSync(root, { recursive: true });
});

const openFiles = (): string[] => readdirSync('/proc/self/fd');

test('holds nothing of the tree when it is over, or read no further', () => {
  const before = openFiles();
  for (const name of ['', 'tree', 'tree/sub']) {
    const chunks = [...tarOf({ directoryFd, name, shownName: 'shown' })];
    expect(Buffer.concat(chunks).toString('latin1')).toContain('shown/');
    expect(openFiles()).toEqual(before);
  }
  const given = tarOf({ directoryFd, name: 'tree', shownName: 'shown' });
  expect(given.next().done).toBe(false);
  given.return(undefined);
  expect(openFiles()).toEqual(before);
});
