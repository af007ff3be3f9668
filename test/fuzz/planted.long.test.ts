/** The fuzzer finds the faults that are planted for it, and shows each again by the command that it prints. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';

const dist = process.env.PLYFS_DIST ?? fileURLToPath(new URL('../../dist', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'plyfs-planted-'));
afterAll(() => rmSync(folder, { recursive: true }));

function fuzz(...args: string[]) {
  const words = [join(dist, 'test/fuzz/fuzz-main.js'), '--findings', folder, '--seed', '1', ...args];
  return spawnSync(process.execPath, words, { encoding: 'utf8', timeout: 100_000 });
}

test.each([
  ['planted-throw', '  TypeError: planted: '],
  ['planted-hang', '  no answer in 5000 ms'],
])(
  '%s',
  (target, why) => {
    const { status, stdout } = fuzz('--target', target, '--seconds', '80', '--faults', '1');
    expect(stdout).toContain(why);
    expect(status).toBe(1);
    const [, path = ''] = /again: npm run fuzz:inputs -- --target \S+ --input (\S+)/.exec(stdout) ?? [];
    expect(fuzz('--target', target, '--input', path)).toMatchObject({ status: 1 });
  },
  120_000,
);

test('planted-leak', () => {
  const { status, stdout } = fuzz('--target', 'planted-leak', '--seconds', '2');
  expect(stdout).toMatch(/memory grew by \d+ bytes|out of memory/);
  expect(status).toBe(1);
}, 120_000);

test('what is refused is no finding', () => {
  const { status, stdout } = fuzz('--target', 'references', '--seconds', '1');
  expect(stdout).toContain('nothing found');
  expect(status).toBe(0);
}, 120_000);
