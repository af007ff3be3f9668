/**
 * What somebody mounts in a directory that is a bind or a layer, after it became one: a FUSE file system of his that does not answer,
 * and a mount of plyfs's, which the thread that would ask may have to serve itself.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { until, Workbench } from '../cli/plyfs-run.js';
import { distPath } from '../helpers/project-paths.js';

let bench: Workbench;
let server: ChildProcess | undefined;

beforeEach(() => {
  bench = new Workbench('low/in', 'host/in', 'host/tmp', 'src', 'up', 'at');
  for (const file of ['low/f', 'host/f', 'src/f', 'low/in/f']) writeFileSync(join(bench.root, file), file);
  expect(bench.plyfs('mount', '-l', 'low', '--upper', 'up', '-v', './host:/b', 'at').code).toBe(0);
});
afterEach(() => {
  server?.kill('SIGCONT');
  server?.kill();
  bench.run('umount', '-l', 'host/in', 'low/in');
  bench.dispose();
});

/** What the script says in the mount, within seconds: nobody can end what waits for a mount that hangs. */
function said(script: string): string {
  const { stdout } = bench.run('timeout', '10', 'bash', '-c', `cd at; { ${script}; } 2>&1`);
  return stdout;
}

/** Mounts a FUSE file system there, which falls silent. */
async function mountSilent(point: string): Promise<void> {
  writeFileSync(join(bench.root, 'control'), '');
  const args = ['src', point, 'control'].map((path) => join(bench.root, path));
  const started = spawn(process.execPath, [distPath('test/helpers/faulty-disk.js'), ...args], {
    stdio: 'ignore',
  });
  server = started;
  await until(() => bench.mounted().includes(point));
  started.kill('SIGSTOP');
  await until(() => /^State:\s*T/m.test(readFileSync(`/proc/${started.pid}/status`, 'latin1')));
}

it('a silent FUSE file system in a bind is refused, and holds up nobody', async () => {
  await mountSilent('host/in');
  const refused = ['stat -c %i b/in', 'cat b/in/f', 'echo x > b/in/new', 'ls b/in'];
  for (const what of refused) expect(said(what)).toMatch(/Object is remote\n$/);
  expect(said('ls b; cat b/f f; mkdir b/tmp/d && rmdir b/tmp/d && echo done')).toBe(
    'f\nin\ntmp\nhost/flow/fdone\n',
  );
  // It goes on when that is gone.
  bench.run('umount', '-l', 'host/in');
  expect(said('ls -A b/in && echo done')).toBe('done\n');
});

it('a local file system in a bind is shown', () => {
  bench.run('mount', '-t', 'tmpfs', 'plyfs-test', 'host/tmp');
  writeFileSync(join(bench.root, 'host/tmp/f'), 'inside');
  expect(said('cat b/tmp/f; echo new > b/tmp/g; cat b/tmp/g')).toBe('insidenew\n');
});

it('a mount of plyfs in a bind of another is refused: the thread that serves both would wait for itself', () => {
  expect(bench.plyfs('mount', '-l', 'low', 'host/in').code).toBe(0);
  expect(said('cat b/in/f')).toMatch(/Object is remote\n$/);
  expect(said('ls b')).toBe('f\nin\ntmp\n');
  expect(bench.plyfs('umount', 'host/in').code).toBe(0);
  expect(said('ls -A b/in && echo done')).toBe('done\n');
});

it('a silent FUSE file system in a layer does not show', async () => {
  await mountSilent('low/in');
  expect(said('cat in/f f')).toBe('low/in/flow/f');
  expect(existsSync(join(bench.root, 'low/f'))).toBe(true);
});
