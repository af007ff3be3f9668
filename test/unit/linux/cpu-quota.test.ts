/** Limits of CPU time, found in cgroup file systems of both versions. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { hasCpuQuota } from '../../../src/linux/process/cpu-quota.js';

const root = mkdtempSync(join(tmpdir(), 'plyfs-quota-'));
afterEach(() => rmSync(root, { recursive: true, force: true }));

function limit(file: string, text: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
}

it.each([
  ['v2, none', '0::/user/app\n', 'user/app/cpu.max', 'max 100000\n', false],
  ['v2, its own', '0::/user/app\n', 'user/app/cpu.max', '50000 100000\n', true],
  ['v2, of one above', '0::/user/app\n', 'user/cpu.max', '50000 100000\n', true],
  ['v1, none', '4:cpu,cpuacct:/app\n1:name=systemd:/\n', 'cpu,cpuacct/app/cpu.cfs_quota_us', '-1\n', false],
  ['v1, its own', '4:cpu,cpuacct:/app\n', 'cpu,cpuacct/app/cpu.cfs_quota_us', '20000\n', true],
  ['v1, by its short name', '4:cpu:/app\n', 'cpu/app/cpu.cfs_quota_us', '20000\n', true],
  ['another controller', '4:memory:/app\n', 'cpu/app/cpu.cfs_quota_us', '20000\n', false],
])('a limit of %s', (_, cgroups, file, text, expected) => {
  limit(file, text);
  expect(hasCpuQuota(cgroups, root)).toBe(expected);
});

it('finds none where nothing can be read', () => {
  expect(hasCpuQuota('', root)).toBe(false);
  expect(hasCpuQuota('0::/gone\n', root)).toBe(false);
});
