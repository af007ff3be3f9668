/** What is on the disk of upper, counted in what was written to a loop device, when a command says that it is done. */

import { statSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Result, Workbench } from '../cli/plyfs-run.js';

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

/** MiB that have come to the disk of what `write` writes when `act` is done. */
function broughtBy(write: string, act: () => void): number {
  sh('sync -f disk');
  const before = onDisk();
  sh(write);
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
  // A sync(2) of somebody else on this machine brings it there too, but not each time.
  let brought = MIB;
  for (let round = 0; round < 5 && brought >= MIB; round++) {
    mount('-o', 'volatile');
    brought = broughtBy(`${WRITE} > at/new`, umount);
  }
  expect(brought).toBeLessThan(MIB);
});

it('a container is on disk after stop, and while it runs after commit and export', () => {
  const run = (...args: string[]): string => plyfs('--root', 'disk/store', ...args);
  run('run', '-d', '--name', 'box', '--network', 'none', '--stop-signal', 'KILL', 'tiny', 'sleep', '60');
  const inside = (name: string): void =>
    void run('exec', 'box', 'sh', '-c', `head -c ${MIB * 1024 * 1024} /dev/urandom > /${name}`);
  const after = (name: string, act: () => void): number => {
    sh('sync -f disk');
    const before = onDisk();
    inside(name);
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

it('a container is on disk after stop, though another mount namespace keeps its mount', () => {
  const run = (...args: string[]): string => plyfs('--root', 'disk/store', ...args);
  run('run', '-d', '--name', 'kept', '--network', 'none', 'tiny', 'sleep', '60');
  const keeper = bench.start('unshare', '-m', 'sleep', '60');
  try {
    sh(`until [ "$(cat /proc/${keeper.pid}/comm)" = sleep ]; do sleep 0.02; done; sync -f disk`);
    const before = onDisk();
    run('exec', 'kept', 'sh', '-c', `head -c ${MIB * 1024 * 1024} /dev/urandom > /new`);
    run('stop', '-t', '0', 'kept');
    expect(sh(`grep -c merged /proc/${keeper.pid}/mountinfo`)).toBe('1');
    expect(onDisk() - before).toBeGreaterThanOrEqual(MIB);
  } finally {
    keeper.kill('SIGKILL');
  }
  run('rm', 'kept');
});

it('a container whose disk fails says so at its end, with stop, run and inspect', () => {
  // A disk with less behind it than it says: what is written back fails.
  const format = 'rm -f thin/image; truncate -s 600M thin/image; mkfs.ext4 -qF -O ^has_journal thin/image';
  sh(`mkdir -p thin; mount -t tmpfs -o size=40m thin thin; ${format}`);
  const run = (...args: string[]): Result => bench.plyfs('--root', 'store-of-failing', ...args);
  const lost = 'what was written is not safe on disk: ';
  const fill = 'head -c 150m /dev/zero > /data/big';
  const options = ['--network', 'none', '-v', 'failing:/data', 'tiny', 'sh', '-c'];
  try {
    run('image', 'import', 'image.tar', 'tiny');
    const device = `device=${bench.root}/thin/image`;
    run('volume', 'create', '-o', 'type=ext4', '-o', 'o=loop', '-o', device, 'failing');
    const ran = run('run', '--name', 'box', ...options, `${fill}; exit 3`);
    expect(ran.stderr).toContain(`container 'box' has ended, but ${lost}`);
    expect(ran.code).toBe(3);
    const told = run('inspect', '--format', '{{.State.ExitCode}} {{.State.Error}}', 'box').stdout;
    expect(told.startsWith(`3 ${lost}`), told).toBe(true);
    sh(format);
    run('run', '-d', '--name', 'other', ...options, `${fill}; echo done; sleep 60`);
    sh(`until ls store-of-failing/containers/*/log* | xargs grep -q done; do sleep 0.1; done`);
    const stopped = run('stop', '-t', '0', 'other');
    expect(stopped.stderr).toContain(`container 'other' is stopped, but ${lost}`);
    expect(stopped.code).toBe(1);
  } finally {
    run('rm', '-f', 'box', 'other');
    // Lazily: a mount namespace that another test has made meanwhile has it until it ends.
    sh('umount -l thin');
  }
});

it("a container's volume on a disk of its own is on it after commit, export and stop", () => {
  const run = (...args: string[]): string => plyfs('--root', 'other-store', ...args);
  run('image', 'import', 'image.tar', 'tiny');
  sh('mkdir disk/data');
  const device = `device=${bench.root}/disk/data`;
  run('volume', 'create', '-o', 'type=none', '-o', 'o=bind', '-o', device, 'vol');
  run('run', '-d', '--name', 'box', '--network', 'none', '-v', 'vol:/data', 'tiny', 'sleep', '60');
  const write = `head -c ${MIB * 1024 * 1024} /dev/urandom > /data/one`;
  for (const act of [
    ['export', '-o', 'box.tar', 'box'],
    ['commit', 'box', 'copy'],
    ['stop', '-t', '0', 'box'],
  ]) {
    sh('sync -f disk');
    const before = onDisk();
    run('exec', 'box', 'sh', '-c', write);
    run(...act);
    expect(onDisk() - before, act[0]).toBeGreaterThanOrEqual(MIB);
  }
  run('rm', 'box');
});
