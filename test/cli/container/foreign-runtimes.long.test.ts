/** A directory of `plyfs container mount` as the root of what other programs run, and as a mount that they hold. */

import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { untilIs } from '../plyfs-run.js';
import { ContainerBench } from './bench.js';

let bench: ContainerBench;
beforeAll(() => {
  bench = new ContainerBench('bundle', 'runc');
  bench.addImages();
});
afterAll(() => {
  const left = bench.mounted();
  bench.dispose();
  expect(left).toEqual([]);
});

/** What runc asks for, with this root and command, in no cgroup of its own. */
function writeBundle(root: string, script: string): void {
  const directory = join(bench.root, 'bundle');
  expect(bench.run('runc', 'spec', '--bundle', directory).code).toBe(0);
  const path = join(directory, 'config.json');
  const spec = JSON.parse(readFileSync(path, 'utf8')) as { process: object; linux: object };
  writeFileSync(
    path,
    JSON.stringify({
      ...spec,
      root: { path: root, readonly: false },
      process: { ...spec.process, terminal: false, args: ['/bin/sh', '-c', script] },
    }),
  );
}

test('runc has it as its root, with its volume, and what it writes is the change of the container', () => {
  bench.get('volume', 'create', 'kept');
  bench.get('create', '--name', 'rooted', '-v', 'kept:/kept', 'box');
  const root = bench.get('container', 'mount', 'rooted');
  for (const name of ['proc', 'dev', 'sys']) mkdirSync(join(root, name), { recursive: true });
  writeBundle(root, 'cat /etc/issue; echo made >/etc/made; echo kept >/kept/file');
  const state = join(bench.root, 'runc');
  const { code, stdout, stderr } = bench.run(
    'runc',
    '--root',
    state,
    'run',
    '--bundle',
    join(bench.root, 'bundle'),
    `plyfs-${process.pid}`,
  );
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'box\n', stderr: '' });
  expect(bench.get('diff', 'rooted').split('\n')).toContain('A /etc/made');
  const data = bench.get('volume', 'inspect', '--format', '{{.Mountpoint}}', 'kept');
  expect(readFileSync(join(data, 'file'), 'utf8')).toBe('kept\n');
  expect(bench.do('container', 'umount', 'rooted')).toEqual({ code: 0, stdout: 'rooted\n', stderr: '' });
  bench.get('rm', 'rooted');
}, 120_000);

test('umount names the mount that another mount namespace still has', async () => {
  bench.get('create', '--name', 'held', 'box');
  bench.get('container', 'mount', 'held');
  const holder = spawn('unshare', ['-m', '--propagation', 'private', 'sleep', '1000'], { stdio: 'ignore' });
  await untilIs(() => readFileSync(`/proc/${holder.pid}/comm`, 'utf8'), 'sleep\n');
  try {
    const { code, stdout, stderr } = bench.do('container', 'umount', 'held');
    expect([code, stdout]).toEqual([0, 'held\n']);
    expect(stderr).toMatch(
      /^plyfs container umount: 'held' is unmounted here, but another mount namespace still has it; process \d+ serves it on\n$/,
    );
  } finally {
    holder.kill('SIGKILL');
  }
  bench.get('rm', 'held');
}, 120_000);
