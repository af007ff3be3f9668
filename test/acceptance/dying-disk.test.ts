/** A disk of upper that is gone for good, as one that was pulled out: the mount is unmounted, and its daemon ends. */

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
