/** What a daemon needs is gone for good: the disk of upper, as one that was pulled out, or its run directory. */

import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isGone, until, Workbench } from '../cli/plyfs-run.js';
import { distPath } from '../helpers/project-paths.js';

let bench: Workbench;
beforeEach(() => {
  bench = new Workbench('low/d', 'src', 'disk', 'at');
});
afterEach(() => bench.dispose());

it('ends with its mount when upper is on a disk that has gone', { timeout: 60_000 }, async () => {
  writeFileSync(join(bench.root, 'control'), '');
  writeFileSync(join(bench.root, 'low/f'), 'low');
  const paths = ['src', 'disk', 'control'].map((path) => join(bench.root, path));
  const disk = spawn(process.execPath, [distPath('test/helpers/faulty-disk.js'), ...paths], {
    stdio: 'ignore',
  });
  await until(() => bench.mounted().includes('disk'));
  const script = 'mkdir disk/up disk/work && echo done';
  expect(bench.run('sh', '-c', script).stdout).toBe('done\n');
  expect(bench.plyfs('mount', '-l', 'low', '--upper', 'disk/up', '--work', 'disk/work', 'at').code).toBe(0);
  bench.run('sh', '-c', 'echo y >>at/f; mv at/d at/e; rm at/f; echo x >at/e/g');
  const daemon = bench.pid();
  expect(readFileSync(`/proc/${daemon}/cmdline`, 'latin1')).toMatch(/^plyfs/);
  disk.kill('SIGKILL');
  await until(() => isGone(disk.pid ?? 0));
  bench.plyfs('umount', '--lazy', 'at');
  await until(() => isGone(daemon), 20_000);
  expect(bench.runIds()).toEqual([]);
});

it('goes on when its run directory is gone and its keeper is killed', async () => {
  writeFileSync(join(bench.root, 'low/f'), 'low');
  expect(bench.plyfs('mount', '-l', 'low', 'at').code).toBe(0);
  const status = () => bench.plyfs('daemon', 'status', '--format', '{{.Pid}} {{.Keeper}}').stdout;
  const [daemon = 0, keeper = 0] = status().split(' ').map(Number);
  expect(keeper).toBeGreaterThan(0);
  bench.run('sh', '-c', 'rm -r run/mounts/*');
  process.kill(keeper, 'SIGKILL');
  await until(() => isGone(keeper));
  expect(bench.run('timeout', '5', 'cat', 'at/f').stdout).toBe('low');
  expect(status()).toMatch(new RegExp(`^${daemon} `));
  bench.run('umount', 'at');
  await until(() => isGone(daemon), 20_000);
});
