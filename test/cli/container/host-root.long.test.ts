/** A mount that holds the whole host keeps no other mount of plyfs alive: not its daemon, nor its layers, nor its upper's disk. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isGone } from '../plyfs-run.js';
import { ContainerBench } from './bench.js';

let bench: ContainerBench;
beforeAll(() => {
  bench = new ContainerBench('low', 'tree', 'other', 'over');
  bench.addImages();
  // A daemon each, whose end tells that its mount is let go of.
  bench.env.PLYFS_DAEMON = 'own';
  writeFileSync(`${bench.root}/low/file`, 'low\n');
  bench.run('mount', '-t', 'tmpfs', 'over', 'over');
  mkdirSync(`${bench.root}/over/sub`);
  writeFileSync(`${bench.root}/over/sub/file`, 'mounted on the host\n');
});
afterAll(() => bench.dispose());

function daemonOf(name: string): number {
  return Number(bench.get('container', 'inspect', '--format', '{{.State.DaemonPid}}', name));
}

it.each(['/:/host', '/:/host:ro'])('a container with -v %s', (spec) => {
  bench.get('run', '-d', '--name', 'other', 'box', 'sleep', '600');
  bench.get('run', '-d', '--name', 'holder', '-v', spec, 'box', 'sleep', '600');
  const pid = daemonOf('other');
  expect(bench.get('exec', 'holder', 'cat', `/host${bench.root}/over/sub/file`)).toBe('mounted on the host');
  bench.get('rm', '-f', 'other');
  expect(isGone(pid)).toBe(true);
  bench.get('rm', '-f', 'holder');
}, 120_000);

it.each(['/:/host', '/:/host:ro'])('plyfs mount with -v %s', (spec) => {
  const mount = (...args: string[]) => bench.plyfs('mount', '--root', bench.store.root, '-l', 'low', ...args);
  bench.get('run', '-d', '--name', 'other', 'box', 'sleep', '600');
  expect(mount('other')).toMatchObject({ code: 0, stderr: '' });
  expect(mount('-v', spec, 'tree')).toMatchObject({ code: 0, stderr: '' });
  expect(bench.run('cat', `tree/host${bench.root}/over/sub/file`).stdout).toBe('mounted on the host\n');
  expect(bench.run('ls', `tree/host${bench.root}/other`).stdout).toBe('');
  const pid = daemonOf('other');
  bench.get('rm', '-f', 'other');
  expect(isGone(pid)).toBe(true);
  expect(bench.plyfs('umount', 'other')).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(bench.plyfs('umount', 'tree')).toEqual({ code: 0, stdout: '', stderr: '' });
});
