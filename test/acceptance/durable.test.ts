/** What is on the disk of upper, counted in what was written to a loop device, when a command says that it is done. */

import { statSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Workbench } from '../cli/plyfs-run.js';

const bench = new Workbench('low', 'disk', 'at', 'tree/bin');
let device = '';

const MIB = 24;
const WRITE = `head -c ${MIB}M /dev/urandom`;

function sh(script: string): string {
  const { code, stdout, stderr } = bench.run('bash', '-ec', `cd '${bench.root}'\n${script}`);
  expect([code, stderr]).toEqual([0, '']);
  return stdout.trim();
}

function plyfs(...args: string[]): string {
  const { code, stdout, stderr } = bench.plyfs(...args);
  expect(code, stderr).toBe(0);
  return stdout.trim();
}

function mount(...options: string[]): void {
  sh('rm -rf disk/up disk/work; mkdir disk/up disk/work');
  plyfs('mount', '-l', 'low', '--upper', 'disk/up', '--work', 'disk/work', ...options, 'at');
}

/** MiB on the device so far. */
function onDisk(): number {
  return Number(sh(`awk '{print int($7 / 2048)}' /sys/block/${device}/stat`));
}

/** MiB that come to the disk while `act` runs, after `write` with nothing left to be written before. */
function broughtBy(write: string, act: () => void): number {
  sh('sync -f disk');
  sh(write);
  const before = onDisk();
  act();
  return onDisk() - before;
}

beforeAll(() => {
  sh(`truncate -s 600M image; mkfs.ext4 -qF -E lazy_itable_init=0,lazy_journal_init=0 image
    mount -o loop image disk
    cp "$(command -v busybox)" tree/bin/busybox; for name in sh head cat sleep; do ln -s busybox tree/bin/$name; done
    tar -C tree -cf image.tar .`);
  device = sh('losetup -j image -O NAME -n').replace('/dev/', '');
  plyfs('--root', 'disk/store', 'image', 'import', 'image.tar', 'tiny');
});

afterAll(() => {
  bench.plyfs('--root', 'disk/store', 'rm', '-f', 'box');
  bench.run('umount', 'disk');
  bench.dispose();
});

const umount = (): void => void plyfs('umount', 'at');
const terminate = (): void => {
  sh(`kill ${bench.pid()}; while [ -n "$(ls run/mounts)" ]; do sleep 0.01; done`);
};

it.each([
  { after: 'plyfs umount', act: umount, options: [] },
  { after: 'plyfs umount with the engine fuse-native', act: umount, options: ['--engine', 'fuse-native'] },
  { after: 'SIGTERM, once the daemon has ended', act: terminate, options: [] },
])('what was written to the mount is on disk after $after', ({ act, options }) => {
  mount(...options);
  expect(broughtBy(`${WRITE} > at/new`, act)).toBeGreaterThanOrEqual(MIB);
});

it('a volume on another disk than upper is on its disk after plyfs umount', () => {
  mount();
  plyfs('umount', 'at');
  plyfs(
    '--root',
    'store',
    'volume',
    'create',
    '-o',
    'type=none',
    '-o',
    'o=bind',
    '-o',
    `device=${bench.root}/disk/up`,
    'vol',
  );
  sh('mkdir -p up work');
  plyfs('mount', '--root', 'store', '-l', 'low', '--upper', 'up', '--work', 'work', '-v', 'vol:/data', 'at');
  expect(broughtBy(`${WRITE} > at/data/new`, umount)).toBeGreaterThanOrEqual(MIB);
});

it('a volatile mount waits for no disk', () => {
  mount('-o', 'volatile');
  expect(broughtBy(`${WRITE} > at/new`, umount)).toBeLessThan(MIB);
});

it('a container is on disk after stop, and while it runs after commit and export', () => {
  const run = (...args: string[]): string => plyfs('--root', 'disk/store', ...args);
  run('run', '-d', '--name', 'box', '--network', 'none', '--stop-signal', 'KILL', 'tiny', 'sleep', '60');
  const inside = (name: string): void =>
    void run('exec', 'box', 'sh', '-c', `head -c ${MIB * 1024 * 1024} /dev/urandom > /${name}`);
  const after = (name: string, act: () => void): number => {
    sh('sync -f disk');
    inside(name);
    const before = onDisk();
    act();
    return onDisk() - before;
  };
  // Written elsewhere: the tar itself is not meant.
  expect(after('one', () => run('export', '-o', 'one.tar', 'box'))).toBeGreaterThanOrEqual(MIB);
  expect(after('two', () => run('commit', 'box', 'copy'))).toBeGreaterThanOrEqual(2 * MIB);
  expect(after('three', () => run('stop', 'box'))).toBeGreaterThanOrEqual(MIB);
  expect(statSync(`${bench.root}/one.tar`).size).toBeGreaterThan(MIB * 1024 * 1024);
  run('rm', 'box');
});
