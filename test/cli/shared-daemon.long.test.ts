/** One daemon for all mounts of a user: what they share, and that nothing of one is another's. */

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { isGone, until, untilIs, Workbench } from './plyfs-run.js';

const LONG_MS = 60_000;

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

let bench: Workbench;

beforeEach(() => {
  bench = new Workbench('layer', 'upper1', 'upper2', 'm1', 'm2', 'm3');
  writeFileSync(join(bench.root, 'layer/name'), 'of the layer');
});

afterEach(async () => {
  const pids = daemonPids();
  for (const point of bench.mounted().reverse()) bench.run('umount', '-l', join(bench.root, point));
  await until(() => pids.every(isGone), LONG_MS);
  bench.dispose();
});

const ok = { code: 0, stdout: '', stderr: '' };

function pidOf(mountpoint: string): number {
  const line = bench.listed('{{.Pid}}').find((one) => one.startsWith(`/${mountpoint} `));
  return Number(line?.split(' ').at(-1));
}

function daemonPids(): number[] {
  return bench
    .mounted()
    .map(pidOf)
    .filter((pid) => pid > 0);
}

/** Directories of daemons, each with a socket and a log. */
function daemonDirectories(): string[] {
  const daemons = join(bench.runDirectory, 'daemons');
  return existsSync(daemons) ? readdirSync(daemons) : [];
}

function mount(...args: string[]): void {
  expect(bench.plyfs('mount', '-l', 'layer', ...args)).toEqual(ok);
}

/** A FUSE mount at `hung`, by a daemon that can be stopped. @returns its pid. */
function spawnHung(): number {
  mkdirSync(join(bench.root, 'hung'));
  writeFileSync(join(bench.root, 'layer/other'), 'of the layer');
  bench.env.PLYFS_DAEMON = 'own';
  expect(bench.plyfs('mount', '-l', 'layer', 'hung')).toEqual(ok);
  delete bench.env.PLYFS_DAEMON;
  return pidOf('hung');
}

/** A process in the bench that goes on until it is killed. */
function goOn(script: string) {
  return spawn('/bin/sh', ['-c', script], { cwd: bench.root, stdio: 'ignore', detached: true });
}

describe('mounts of one user', () => {
  test('have one daemon, which ends with the last of them', async () => {
    mount('--upper', 'upper1', 'm1');
    mount('--upper', 'upper2', 'm2');
    mount('m3');
    const pid = pidOf('m1');
    expect(pid).toBeGreaterThan(0);
    expect([pidOf('m2'), pidOf('m3')]).toEqual([pid, pid]);
    expect(bench.run('sh', '-c', 'echo 1 > m1/new && cat m1/name m2/name m3/name && ls m2')).toEqual({
      ...ok,
      stdout: 'of the layerof the layerof the layername\n',
    });
    expect(readdirSync(join(bench.root, 'upper1'))).toEqual(['new']);
    expect(bench.plyfs('umount', 'm1')).toEqual(ok);
    expect(bench.runIds()).toHaveLength(2);
    expect(bench.run('cat', 'm2/name').stdout).toBe('of the layer');
    // The upper is free as soon as its mount is gone.
    mount('--upper', 'upper1', 'm1');
    expect(pidOf('m1')).toBe(pid);
    expect(bench.run('cat', 'm1/new').stdout).toBe('1\n');
    for (const point of ['m1', 'm2', 'm3']) expect(bench.plyfs('umount', point)).toEqual(ok);
    await until(() => isGone(pid), LONG_MS);
    expect([bench.runIds(), daemonDirectories()]).toEqual([[], []]);
  });

  test('have one each with PLYFS_DAEMON=own, with --debug, and in the foreground', async () => {
    mount('m1');
    mount('--debug', 'm2');
    bench.env.PLYFS_DAEMON = 'own';
    mount('m3');
    expect(new Set([pidOf('m1'), pidOf('m2'), pidOf('m3')]).size).toBe(3);
    expect(bench.plyfs('umount', 'm3')).toEqual(ok);
    delete bench.env.PLYFS_DAEMON;
    const foreground = bench.start(process.execPath, bench.cli, 'mount', '-f', '-l', 'layer', 'm3');
    await until(() => bench.mounted().includes('m3'), LONG_MS);
    await untilIs(() => pidOf('m3'), foreground.pid, LONG_MS);
    expect(bench.plyfs('umount', 'm3')).toEqual(ok);
    await untilIs(() => foreground.exitCode, 0, LONG_MS);
  });

  test('have another one where the command has another environment, limit, umask or namespace', async () => {
    mount('m1');
    const pid = pidOf('m1');
    bench.env.PLYFS_AWAKE = 'off';
    mount('m2');
    delete bench.env.PLYFS_AWAKE;
    const limited = bench.run('sh', '-c', `ulimit -n 4000; exec node '${bench.cli}' mount -l layer m3`);
    expect(limited).toEqual(ok);
    expect(new Set([pid, pidOf('m2'), pidOf('m3')]).size).toBe(3);
    expect(bench.plyfs('umount', 'm3')).toEqual(ok);
    // It has the namespace of the command, and so sees a mount there.
    const script = `umask 077; mount -t tmpfs none upper1 && mkdir upper1/only && node '${bench.cli}' mount -l upper1 m3 && ls m3 && node '${bench.cli}' umount m3`;
    expect(bench.run('unshare', '-m', 'sh', '-c', script)).toEqual({ ...ok, stdout: 'only\n' });
    mount('m3');
    expect(pidOf('m3')).toBe(pid);
  });

  test('have the inode, owner and mode that each caller is to have, whoever came before', () => {
    mount('--upper', 'upper1', 'm1');
    mkdirSync(join(bench.root, 'bound'), { mode: 0o777 });
    expect(bench.run('chmod', '755', '.').code).toBe(0);
    expect(bench.run('chmod', '777', 'bound', 'upper2').code).toBe(0);
    mount('--upper', 'upper2', '-v', `${bench.root}/bound:/bound`, 'm2');
    const as = (id: number, script: string) =>
      bench.run('setpriv', `--reuid=${id}`, `--regid=${id}`, '--clear-groups', 'sh', '-c', script);
    expect(bench.run('sh', '-c', 'mkdir m1/dir && chmod 777 m1/dir').code).toBe(0);
    for (let round = 0; round < 5; round++) {
      expect(as(1234, `umask 077; echo > m2/bound/a${round}`)).toEqual(ok);
      expect(bench.run('sh', '-c', `umask 022; echo > m1/b${round}; mkdir m1/dir/d${round}`)).toEqual(ok);
      expect(as(4321, `umask 027; echo > m1/dir/c${round}`)).toEqual(ok);
    }
    const shown = bench.run('stat', '-c', '%u %g %a', 'm2/bound/a4', 'm1/b4', 'm1/dir/d4', 'm1/dir/c4');
    expect(shown.stdout).toBe('1234 1234 600\n0 0 644\n0 0 755\n4321 4321 640\n');
  });
});

describe('a mount does not hurt the others', () => {
  test('that floods its thread with requests', async () => {
    mount('--upper', 'upper1', 'm1');
    mount('--upper', 'upper2', 'm2');
    expect(pidOf('m2')).toBe(pidOf('m1'));
    const floods = Array.from({ length: 6 }, (_, index) =>
      goOn(`while :; do : > m1/flood${index}; rm m1/flood${index}; stat m1/none${index}; done`),
    );
    try {
      await until(() => existsSync(join(bench.root, 'upper1/flood0')), LONG_MS);
      const script = 'for i in $(seq 200); do echo $i > m2/f$i; done; cat m2/f* | wc -l';
      expect(bench.run('sh', '-c', script)).toEqual({ ...ok, stdout: '200\n' });
      expect(floods.filter(({ exitCode }) => exitCode !== null)).toEqual([]);
    } finally {
      for (const { pid } of floods) process.kill(-(pid ?? 0), 'SIGKILL');
    }
  });

  test('whose layer may hang: it has a daemon of its own', async () => {
    mount('--upper', 'upper1', 'm1');
    mount('m2');
    expect(bench.plyfs('mount', '-l', 'm1', 'm3')).toEqual(ok);
    const served = pidOf('m3');
    expect(served).not.toBe(pidOf('m1'));
    expect(pidOf('m2')).toBe(pidOf('m1'));
    process.kill(served, 'SIGSTOP');
    try {
      expect(bench.run('cat', 'm2/name').stdout).toBe('of the layer');
      expect(bench.plyfs('umount', 'm2')).toEqual(ok);
      mount('m2');
    } finally {
      process.kill(served, 'SIGCONT');
    }
    expect(bench.plyfs('umount', 'm3')).toEqual(ok);
  });

  test('whose storage hangs: another disk, another thread', async () => {
    // Kernel overlayfs over a FUSE mount whose daemon is stopped: nothing tells that it may hang.
    expect(bench.plyfs('mount', '-l', 'layer', 'm3')).toEqual(ok);
    const served = spawnHung();
    mkdirSync(join(bench.root, 'slow'));
    expect(bench.run('mount', '-t', 'overlay', 'o', '-o', 'lowerdir=hung:layer', 'slow')).toEqual(ok);
    mount('--upper', 'upper1', 'm1');
    expect(bench.plyfs('mount', '-l', 'slow', 'm2')).toEqual(ok);
    expect(new Set(['m1', 'm2', 'm3'].map(pidOf)).size).toBe(1);
    process.kill(served, 'SIGSTOP');
    const reader = goOn('ls m2/none m2/sub/none; exec cat m2/other');
    try {
      for (let round = 0; round < 20; round++) {
        expect(bench.run('sh', '-c', `echo > m1/f${round}; cat m3/name; ls m1`).code).toBe(0);
      }
      await pause(0);
      expect(reader.exitCode).toBeNull();
      expect(bench.plyfs('umount', 'm3')).toEqual(ok);
      mount('m3');
      expect(bench.plyfs('umount', 'm1')).toEqual(ok);
    } finally {
      process.kill(served, 'SIGCONT');
      process.kill(-(reader.pid ?? 0), 'SIGKILL');
    }
    expect(bench.plyfs('umount', 'm3')).toEqual(ok);
    expect(bench.plyfs('umount', 'm2')).toEqual(ok);
    expect(bench.run('umount', 'slow')).toEqual(ok);
  });

  test('whose connection is aborted', async () => {
    mount('--upper', 'upper1', 'm1');
    mount('m2');
    mkdirSync(join(bench.root, 'control'));
    const abort = `number=$(grep " $PWD/m1 " /proc/self/mountinfo | cut -d' ' -f3 | cut -d: -f2)
      mount -t fusectl none control; echo 1 > control/$number/abort; umount control`;
    expect(bench.run('sh', '-ec', abort)).toEqual(ok);
    await untilIs(() => bench.runIds().length, 1, LONG_MS);
    expect(bench.run('cat', 'm1/name').code).toBe(1);
    expect(bench.run('cat', 'm2/name').stdout).toBe('of the layer');
    bench.run('umount', 'm1');
    mount('--upper', 'upper1', 'm1');
    expect(bench.run('cat', 'm1/name').stdout).toBe('of the layer');
  });

  test('that is refused, or detached while it is in use', async () => {
    mount('--upper', 'upper1', 'm1');
    expect(bench.plyfs('mount', '-l', 'layer', '--upper', 'upper1', 'm2').stderr).toMatch(
      /^plyfs mount: .* is in use by the mount at/,
    );
    expect(bench.plyfs('mount', '-l', 'absent', 'm2').code).toBe(1);
    mount('m2');
    const reader = goOn('exec sleep 1000 < m2/name');
    try {
      await until(() => bench.plyfs('umount', 'm2').stderr.includes('in use'), LONG_MS);
      expect(bench.plyfs('umount', '--lazy', 'm2').code).toBe(0);
      expect(bench.run('cat', 'm1/name').stdout).toBe('of the layer');
      expect(bench.runIds()).toHaveLength(2);
    } finally {
      process.kill(-(reader.pid ?? 0), 'SIGKILL');
    }
    await untilIs(() => bench.runIds().length, 1, LONG_MS);
    expect(bench.run('cat', 'm1/name').stdout).toBe('of the layer');
  });
});

describe('the daemon', () => {
  test('keeps nothing of who starts it: no directory, terminal, stream or lock', async () => {
    const script = `mount -t tmpfs none upper1; cd upper1; exec 9> ../lock; flock -n 9; export PLYFS_SECRET_OF_MINE=1 SECRET=2
      node '${bench.cli}' mount -l ../layer ../m1 | cat; exec 9>&-; flock -n ../lock true; cd ..; umount upper1`;
    expect(bench.run('script', '-qec', `bash -ec "${script.replaceAll('"', '\\"')}"`, '/dev/null')).toEqual(
      ok,
    );
    const pid = pidOf('m1');
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
    // Session and terminal: man 5 proc_pid_stat.
    expect([Number(fields[3]), Number(fields[4])]).toEqual([pid, 0]);
    expect(readlinkSync(`/proc/${pid}/cwd`)).toBe('/');
    expect(readlinkSync(`/proc/${pid}/fd/0`)).toBe('/dev/null');
    expect(readlinkSync(`/proc/${pid}/fd/1`)).toMatch(/\/daemons\/\w+\/log$/);
    const names = readFileSync(`/proc/${pid}/environ`, 'latin1')
      .split('\0')
      .map((line) => line.replace(/=.*/s, ''));
    expect(names.filter((name) => /^(?:SECRET|HOME|SSH_AUTH_SOCK|LANG)$/.test(name))).toEqual([]);
  });

  test('of a mount namespace or chroot ends with its last mount, and lets go of what is mounted there', async () => {
    delete bench.env.PLYFS_DAEMON_IDLE_MS;
    const script = `mount -t tmpfs none upper1; node '${bench.cli}' mount -l layer --upper upper1 --work upper1 m3 2> /dev/null ||
      { mkdir upper1/u upper1/w; node '${bench.cli}' mount -l layer --upper upper1/u --work upper1/w m3; }
      node '${bench.cli}' mounts --format '{{.Mountpoint}} {{.Pid}}' | grep "$PWD/m3 " | cut -d' ' -f2
      node '${bench.cli}' umount m3`;
    const { code, stdout, stderr } = bench.run('unshare', '-m', 'sh', '-ec', script);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const pid = Number(stdout);
    expect(pid).toBeGreaterThan(0);
    // One that stays does so for a minute.
    await until(() => isGone(pid), LONG_MS / 2);
    expect(daemonDirectories()).toEqual([]);
  });

  test('takes all mounts with it when it is killed, and what is left is set right', async () => {
    bench.env.PLYFS_KEEPER = 'off';
    mount('--upper', 'upper1', 'm1');
    mount('--upper', 'upper2', 'm2');
    const pid = pidOf('m1');
    process.kill(pid, 'SIGKILL');
    await until(() => isGone(pid), LONG_MS);
    expect(bench.listed('{{.Status}}').sort()).toEqual(['/m1 no daemon', '/m2 no daemon']);
    for (const point of ['m1', 'm2']) expect(bench.plyfs('umount', point)).toEqual(ok);
    const [left] = daemonDirectories();
    bench.env.PLYFS_AWAKE = 'off';
    mount('--upper', 'upper1', 'm1');
    expect(bench.run('cat', 'm1/name').stdout).toBe('of the layer');
    // The next daemon, though it is another, removes the directory of the one that was killed.
    await untilIs(() => daemonDirectories().length, 1, LONG_MS);
    expect(daemonDirectories()).not.toContain(left);
  });

  test('unmounts all at SIGTERM', async () => {
    mount('--upper', 'upper1', 'm1');
    mount('m2');
    const pid = pidOf('m1');
    expect(bench.run('sh', '-c', 'echo kept > m1/kept')).toEqual(ok);
    process.kill(pid, 'SIGTERM');
    await until(() => isGone(pid), LONG_MS);
    expect(bench.mounted()).toEqual([]);
    expect(bench.runIds()).toEqual([]);
    expect(readFileSync(join(bench.root, 'upper1/kept'), 'utf8')).toBe('kept\n');
  });

  test('is one, however many begin at once, and none is lost as it ends', async () => {
    const points = Array.from({ length: 8 }, (_, index) => `p${index}`);
    for (const point of points) mkdirSync(join(bench.root, point));
    const script = (point: string): string =>
      `node '${bench.cli}' mount -l layer ${point} && cat ${point}/name && node '${bench.cli}' umount ${point}`;
    const all = points.map((point) => `(${script(point)}) & `).join('');
    const { code, stdout, stderr } = bench.run('sh', '-c', `${all} wait`);
    expect({ code, stderr, stdout }).toEqual({ code: 0, stderr: '', stdout: 'of the layer'.repeat(8) });
    expect(bench.mounted()).toEqual([]);
  });

  test('stays a while without mounts, for the next', async () => {
    bench.env.PLYFS_DAEMON_IDLE_MS = '600000';
    mount('m1');
    const pid = pidOf('m1');
    expect(bench.plyfs('umount', 'm1')).toEqual(ok);
    mount('m2');
    expect(pidOf('m2')).toBe(pid);
    expect(bench.plyfs('umount', 'm2')).toEqual(ok);
    expect(isGone(pid)).toBe(false);
    process.kill(pid, 'SIGTERM');
    await until(() => isGone(pid), LONG_MS);
  });
});
