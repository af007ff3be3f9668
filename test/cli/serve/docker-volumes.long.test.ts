/** `plyfs serve docker-volumes` under a real dockerd: what its users see, and what is left when one of the two is killed. */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { isGone, until, untilIs, Workbench } from '../plyfs-run.js';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const LONG_MS = 120_000;
const ok = { code: 0, stderr: '' };

let bench: Workbench;
let dockerd: ChildProcess;
let driver: ChildProcess;
let socket: string;

beforeAll(async () => {
  bench = new Workbench('root/bin', 'docker', 'plugins', 'store');
  bench.env.PLYFS_ROOT = join(bench.root, 'store');
  bench.env.DOCKER_CONFIG = join(bench.root, 'docker/config');
  socket = join(bench.root, 'plugins/plyfs.sock');
  bench.run('sh', '-c', 'mkdir root/data; echo seed > root/data/seed; cp "$(command -v busybox)" root/bin/');
  bench.run(
    'sh',
    '-c',
    'for one in sh ls cat sleep df touch; do ln -s busybox root/bin/$one; done; tar -C root -cf base.tar .',
  );
  // What is mounted there is to show in the namespace of dockerd.
  for (const directory of ['store', 'run'])
    bench.run('sh', '-c', 'mkdir -p "$0"; mount --bind "$0" "$0" && mount --make-shared "$0"', directory);
  await startDriver();
  await startDocker();
  expect(docker('import', 'base.tar', 'base')).toMatchObject(ok);
});

afterAll(async () => {
  const left = docker('ps', '-aq')
    .stdout.split('\n')
    .filter((id) => id !== '');
  if (left.length > 0) docker('rm', '-f', ...left);
  await end(dockerd, 'SIGTERM');
  await end(driver, 'SIGTERM');
  for (const directory of ['store', 'run']) bench.run('umount', directory);
  bench.dispose();
});

function docker(...args: string[]) {
  return bench.run('docker', '-H', `unix://${bench.root}/docker/socket`, ...args);
}

/** A container that is there until it is removed. */
function runs(name: string, ...volumes: string[]): void {
  const mounts = volumes.flatMap((volume) => ['-v', `${volume}:/${volume}`]);
  const quick = ['--stop-signal', 'SIGKILL', '--network', 'none'];
  expect(
    docker('run', '-d', '--name', name, ...quick, ...mounts, 'base', '/bin/sleep', '9999'),
  ).toMatchObject(ok);
}

function inContainer(volume: string, script: string) {
  return docker('run', '--rm', '--network', 'none', '-v', `${volume}:/data`, 'base', '/bin/sh', '-c', script);
}

/** In a mount namespace where the one directory in which it looks for drivers is ours: other daemons of the host share that. */
const HIDDEN =
  'mkdir -p /run/docker/plugins && mount --bind plugins /run/docker/plugins && exec dockerd "$@"';

async function startDocker(): Promise<void> {
  const at = (name: string) => join(bench.root, 'docker', name);
  const log = openSync(at('log'), 'a');
  const places = ['--data-root', at('data'), '--exec-root', at('exec'), '-p', at('pid')];
  const options = [...places, '-H', `unix://${at('socket')}`, '--bridge=none', '--iptables=false'];
  dockerd = spawn('unshare', ['-m', '--propagation', 'slave', 'sh', '-c', HIDDEN, 'dockerd', ...options], {
    cwd: bench.root,
    stdio: ['ignore', log, log],
    detached: true,
  });
  await until(() => docker('version').code === 0 || dockerd.exitCode !== null, LONG_MS);
  expect(dockerd.exitCode, readFileSync(at('log'), 'utf8').split('\n').slice(-5).join('\n')).toBe(null);
}

async function startDriver(): Promise<void> {
  const log = openSync(join(bench.root, 'driver.log'), 'a');
  driver = spawn(process.execPath, [bench.cli, 'serve', 'docker-volumes', '--socket', socket], {
    env: bench.env,
    stdio: ['ignore', log, log],
  });
  const answers = () =>
    bench.run('curl', '-sf', '--unix-socket', socket, '-X', 'POST', 'http://x/Plugin.Activate');
  await untilIs(() => answers().code, 0, LONG_MS);
}

async function end(process: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return;
  const gone = new Promise((resolve) => process.once('exit', resolve));
  process.kill(signal);
  await gone;
}

function volumes(): string[] {
  return bench.plyfs('volume', 'ls', '--format', '{{.Name}} {{len .UsedBy}}').stdout.trim().split('\n');
}

test('volumes are made with options, filled, copied, renamed; what is wrong is said as Docker says it', () => {
  const create = (...args: string[]) => docker('volume', 'create', '-d', 'plyfs', ...args);
  expect(create('--opt', 'size=20m', 'small')).toMatchObject(ok);
  expect(inContainer('small', 'cat /data/seed; df -m /data | grep -c " 1[0-9] "').stdout).toBe('seed\n1\n');
  expect(create('--opt', 'clone=small', 'copy')).toMatchObject(ok);
  expect(create('--opt', 'rename=copy', 'other')).toMatchObject(ok);
  expect(inContainer('other', 'cat /data/seed').stdout).toBe('seed\n');
  expect(docker('volume', 'ls', '-q', '-f', 'driver=plyfs').stdout.trim().split('\n').sort()).toEqual([
    'other',
    'small',
  ]);
  expect(create('--opt', 'size=1', 'bad').stderr).toBe(
    "Error response from daemon: create bad: invalid volume option 'size=1': less than 1 MiB\n",
  );
  expect(create('--opt', 'clone=none', 'bad').stderr).toContain("create bad: no such volume: 'none'");
  expect(docker('volume', 'rm', 'small', 'other')).toMatchObject(ok);
  expect(readdirSync(join(bench.root, 'store/volumes'))).toEqual([]);
});

test('a driver that is killed leaves containers their volumes, and the next one takes over', async () => {
  docker('volume', 'create', '-d', 'plyfs', 'data');
  docker('volume', 'create', '-d', 'plyfs', '--opt', 'size=20m', 'small');
  runs('one', 'data', 'small');
  await end(driver, 'SIGKILL');
  for (const name of ['data', 'small']) {
    expect(bench.plyfs('volume', 'rm', name).stderr).toMatch(/volume is in use - \[[0-9a-f]{12}\]/);
    expect(bench.plyfs('volume', 'rename', name, 'x1').stderr).toMatch(/volume is in use - \[[0-9a-f]{12}\]/);
  }
  expect(bench.plyfs('volume', 'prune', '-af').stdout).toContain('space: 0B');
  expect(docker('exec', 'one', '/bin/touch', '/small/now', '/data/now')).toMatchObject(ok);
  await startDriver();
  expect(volumes()).toEqual(['data 1', 'small 1']);
  expect(inContainer('small', 'ls /data').stdout).toBe('now\n');
  expect(docker('volume', 'rm', 'data').stderr).toContain('volume is in use');
  expect(docker('rm', '-f', 'one')).toMatchObject(ok);
  expect(volumes()).toEqual(['data 0', 'small 0']);
  expect(bench.mounted().filter((point) => point.startsWith('store/'))).toEqual([]);
  expect(docker('volume', 'rm', 'data', 'small')).toMatchObject(ok);
});

test('after dockerd was killed its containers find their volumes, and nothing stays in use', async () => {
  docker('volume', 'create', '-d', 'plyfs', '--opt', 'size=20m', 'data');
  runs('two', 'data');
  const pidFile = join(bench.root, 'docker/exec/containerd/containerd.pid');
  const containerd = Number(readFileSync(pidFile, 'utf8'));
  await end(dockerd, 'SIGKILL');
  await until(() => isGone(containerd), LONG_MS);
  // The next dockerd would wait for its corpse to answer, where nobody reaps it.
  rmSync(pidFile);
  expect(volumes()).toEqual(['data 1']);
  await startDocker();
  expect(docker('start', 'two')).toMatchObject(ok);
  expect(docker('exec', 'two', '/bin/touch', '/data/now')).toMatchObject(ok);
  expect(docker('rm', '-f', 'two')).toMatchObject(ok);
  expect(volumes()).toEqual(['data 0']);
  expect(docker('volume', 'rm', 'data')).toMatchObject(ok);
});

test('remote storage that stops answering is an error in time, and holds up no other volume', async () => {
  mkdirSync(join(bench.root, 'far'));
  mkdirSync(join(bench.root, 'layer'));
  writeFileSync(join(bench.root, 'layer/file'), 'far');
  const run = join(bench.root, 'far-run');
  bench.env.PLYFS_DAEMON = 'own';
  bench.env.PLYFS_RUN_DIR = run;
  expect(bench.plyfs('mount', '-l', 'layer', 'far')).toMatchObject(ok);
  delete bench.env.PLYFS_DAEMON;
  bench.env.PLYFS_RUN_DIR = bench.runDirectory;
  const [id = ''] = readdirSync(join(run, 'mounts'));
  const { pid } = JSON.parse(readFileSync(join(run, 'mounts', id, 'state.json'), 'utf8')) as { pid: number };
  const options = ['type=none', `device=${bench.root}/far`, 'o=bind', 'timeout=1s'].flatMap((one) => [
    '--opt',
    one,
  ]);
  expect(docker('volume', 'create', '-d', 'plyfs', ...options, 'far')).toMatchObject(ok);
  runs('three', 'far');
  expect(docker('exec', 'three', '/bin/cat', '/far/file').stdout).toBe('far');
  process.kill(pid, 'SIGSTOP');
  try {
    expect(docker('exec', 'three', '/bin/ls', '/far/other')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Input/output error'),
    });
    expect(docker('volume', 'create', '-d', 'plyfs', 'near')).toMatchObject(ok);
    expect(inContainer('near', 'ls /data')).toMatchObject({ ...ok, stdout: 'seed\n' });
    await end(driver, 'SIGKILL');
    await startDriver();
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  expect(docker('exec', 'three', '/bin/cat', '/far/file').stdout).toBe('far');
  expect(docker('rm', '-f', 'three')).toMatchObject(ok);
  expect(docker('volume', 'rm', 'far', 'near')).toMatchObject(ok);
  expect(bench.run('umount', 'far')).toMatchObject(ok);
  await until(() => bench.mounted().every((point) => !point.startsWith('run/')), LONG_MS);
});

test('a signal ends it, and takes its socket away', async () => {
  await end(driver, 'SIGTERM');
  expect(driver.exitCode).toBe(0);
  expect(existsSync(socket)).toBe(false);
  await startDriver();
  expect(bench.plyfs('serve', 'docker-volumes', '--socket', join(bench.root, 'other')).stderr).toContain(
    "is served by another 'plyfs serve docker-volumes'",
  );
});
