/** --storage-opt size=: a limit of what a container changes, on a disk of its own that comes and goes with it. */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ContainerBench } from './bench.js';

let bench: ContainerBench;
beforeAll(() => {
  bench = new ContainerBench('host');
  bench.addImages();
});
afterAll(() => bench.dispose());

/** Its own disks, by their mount points. */
const disks = () => bench.mounted().filter((path) => path.endsWith('/disk/_data'));
const loops = () => {
  const { stdout } = spawnSync('losetup', ['-a'], { encoding: 'utf8' });
  return stdout.split('\n').filter((line) => line.includes(bench.root));
};

const FILL = 'tail -c +1 /dev/zero >/fill; stat -c %s /fill';

it('the limit is that of a disk: no space left, and statfs shows it', () => {
  bench.get('run', '-d', '--name', 'small', '--storage-opt', 'size=16m', 'box', 'sleep', '60');
  const { stdout, stderr } = bench.do('exec', 'small', 'sh', '-c', FILL);
  expect(stderr).toMatch(/No space left on device/);
  expect(Number(stdout)).toBeGreaterThan(8 << 20);
  expect(Number(stdout)).toBeLessThan(16 << 20);
  const [blocks, size] = bench.get('exec', 'small', 'stat', '-f', '-c', '%b %S', '/').split(' ').map(Number);
  expect(blocks! * size!).toBeLessThanOrEqual(16 << 20);
  expect(bench.get('inspect', '-f', '{{json .HostConfig.StorageOpt}}', 'small')).toBe('{"size":"16777216"}');
  bench.get('rm', '-f', 'small');
  expect([disks(), loops()]).toEqual([[], []]);
}, 120_000);

it('what was changed is there again after stop and start, a restart of the host, in diff, cp, commit and export', () => {
  bench.get(
    'run',
    '--name',
    'kept',
    '--storage-opt',
    'size=16m',
    'box',
    'sh',
    '-c',
    'echo one > /etc/note; rm /etc/issue',
  );
  expect(bench.get('diff', 'kept').split('\n').sort()).toEqual(['A /etc/note', 'C /etc', 'D /etc/issue']);
  // As after a restart: nothing is mounted.
  for (const path of disks()) expect(spawnSync('umount', [`${bench.root}/${path}`]).status).toBe(0);
  expect(bench.get('diff', 'kept').split('\n').sort()).toEqual(['A /etc/note', 'C /etc', 'D /etc/issue']);
  for (const path of disks()) expect(spawnSync('umount', [`${bench.root}/${path}`]).status).toBe(0);
  bench.get('cp', 'kept:/etc/note', `${bench.root}/out`);
  expect(readFileSync(`${bench.root}/out`, 'utf8')).toBe('one\n');
  bench.get('commit', 'kept', 'made');
  expect(bench.get('run', '--rm', 'made', 'cat', '/etc/note')).toBe('one');
  bench.get('start', 'kept');
  bench.get('wait', 'kept');
  expect(bench.get('ps', '-as', '--filter', 'name=kept', '--format', '{{.Size}}')).toMatch(/^\d+B \(virtual/);
  bench.get('rm', 'kept');
  expect([disks(), loops()]).toEqual([[], []]);
}, 120_000);

it.each([
  ['size=1m', 'cannot limit the storage of a container to less than 4m'],
  ['inodes=1', "unknown storage option 'inodes=1'"],
  ['size=x', "invalid size: 'x'"],
])('%s is refused and leaves nothing', (option, message) => {
  const { code, stderr } = bench.do('run', '--rm', '--storage-opt', option, 'box', 'true');
  expect([code, stderr]).toEqual([125, expect.stringContaining(message)]);
  expect(bench.store.names('containers')).toEqual([]);
  expect(disks()).toEqual([]);
});
