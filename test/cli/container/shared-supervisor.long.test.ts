/** One supervisor for the commands of many containers: what they share, and that none waits for another. */

import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { encodeFrame, FRAME } from '../../../src/container/command/attach/frames.js';
import { ORDER_SOCKET } from '../../../src/container/command/supervise-request.js';
import { readState } from '../../../src/container/record/command-state.js';
import { lockPath } from '../../../src/container/record/container-lock.js';
import { containerHome } from '../../../src/store/container-home.js';
import { lockFile } from '../../../src/store/lock.js';
import { isGone, until, untilIs } from '../plyfs-run.js';
import { ContainerBench } from './bench.js';

const LONG_MS = 60_000;

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

let bench: ContainerBench;

beforeEach(() => {
  bench = new ContainerBench();
  bench.addImages();
});

afterEach(() => bench.dispose());

function idOf(name: string): string {
  return bench.get('inspect', '-f', '{{.Id}}', name);
}

function supervisorOf(name: string): number {
  return readState(bench.store, idOf(name))?.supervisor?.pid ?? 0;
}

/** The name of the directory with its socket for orders. */
function daemonOf(pid: number): string {
  const daemons = join(bench.runDirectory, 'daemons');
  expect(isGone(pid)).toBe(false);
  return readdirSync(daemons).find((name) => existsSync(join(daemons, name, ORDER_SOCKET))) ?? '';
}

function runDetached(name: string, ...command: string[]): void {
  bench.get('run', '-d', '--name', name, 'box', ...command);
}

describe('commands of one user', () => {
  test('have one supervisor, which ends with the last of them', async () => {
    for (const name of ['one', 'two']) runDetached(name, 'sh', '-c', `echo of ${name}; sleep 600`);
    const pid = supervisorOf('one');
    expect(pid).toBeGreaterThan(0);
    expect(supervisorOf('two')).toBe(pid);
    expect(bench.sh('echo third')).toBe('third');
    await untilIs(() => bench.get('logs', 'two'), 'of two', LONG_MS);
    expect(bench.get('logs', 'one')).toBe('of one');
    bench.get('rm', '-f', 'one');
    expect(isGone(pid)).toBe(false);
    bench.get('rm', '-f', 'two');
    await until(() => isGone(pid), LONG_MS);
    const daemons = join(bench.runDirectory, 'daemons');
    await until(() => !existsSync(daemons) || readdirSync(daemons).length === 0, LONG_MS);
  });

  test('have one each with PLYFS_DAEMON=own', () => {
    bench.env.PLYFS_DAEMON = 'own';
    for (const name of ['one', 'two']) runDetached(name, 'sleep', '600');
    expect(supervisorOf('one')).not.toBe(supervisorOf('two'));
  });

  test('are copies of one template, and begin without it when it dies', async () => {
    const childrenOf = (pid: number) =>
      readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean).map(Number);
    const template = () =>
      childrenOf(supervisorOf('one')).filter((pid) =>
        readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('template-main'),
      );
    for (const name of ['one', 'two']) runDetached(name, 'sleep', '600');
    expect(template()).toHaveLength(1);
    // Nothing stands between the supervisor and them.
    const commands = ['one', 'two'].map((name) => Number(bench.get('inspect', '-f', '{{.State.Pid}}', name)));
    expect(childrenOf(supervisorOf('one'))).toEqual(expect.arrayContaining(commands));
    for (const pid of template()) process.kill(pid, 'SIGKILL');
    await untilIs(() => template().length, 0, LONG_MS);
    expect(bench.sh('echo next; exit 0')).toBe('next');
    for (const name of ['one', 'two']) expect(isGone(commands[name === 'one' ? 0 : 1] ?? 0)).toBe(false);
    expect(template()).toHaveLength(1);
  });

  test('do not wait for one whose container is locked', async () => {
    runDetached('one', 'sleep', '600');
    bench.get('create', '--name', 'stuck', 'box', 'sleep', '600');
    const lock = lockFile(lockPath(bench.store.path(containerHome(idOf('stuck')))));
    const args = bench.withRoot(['start', 'stuck']);
    const starting = bench.start(process.execPath, bench.cli, ...args);
    // Two beside it, both by the supervisor that waits.
    for (const word of ['first', 'second']) expect(bench.sh(`echo ${word}`)).toBe(word);
    expect(starting.exitCode).toBeNull();
    lock[Symbol.dispose]();
    await untilIs(() => starting.exitCode, 0, LONG_MS);
    expect(supervisorOf('stuck')).toBe(supervisorOf('one'));
  });

  test('go on when it is killed; others have another then', () => {
    for (const name of ['one', 'two']) runDetached(name, 'sleep', '600');
    process.kill(supervisorOf('one'), 'SIGKILL');
    expect(bench.get('exec', 'one', 'echo', 'alive')).toBe('alive');
    expect(bench.sh('echo next')).toBe('next');
    bench.get('stop', '-t', '0', 'one');
    expect(bench.get('inspect', '-f', '{{.State.ExitCode}}', 'one')).toBe('143');
    bench.get('start', 'one');
    expect(bench.get('exec', 'one', 'echo', 'again')).toBe('again');
  });

  test('have another when it does not answer', () => {
    runDetached('one', 'sleep', '600');
    const pid = supervisorOf('one');
    process.kill(pid, 'SIGSTOP');
    try {
      expect(bench.sh('echo beside')).toBe('beside');
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  });

  test('have its time while a large tree is deleted', async () => {
    bench.sh('i=0; while [ $i -lt 600 ]; do : > /etc/$i; i=$((i + 1)); done');
    await untilIs(() => bench.store.trash().length, 0, LONG_MS);
  });

  test('have namespaces of their own, and nothing comes of a client that orders nothing', async () => {
    runDetached('one', 'sleep', '600');
    const pid = supervisorOf('one');
    const children = () => readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ');
    const before = children().length;
    const socket = connect(join(bench.runDirectory, 'daemons', daemonOf(pid), ORDER_SOCKET));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.end(encodeFrame(FRAME.prepare));
    socket.resume();
    await closed;
    for (const kind of ['mnt', 'pid', 'uts', 'ipc']) {
      const [first, self] = bench
        .sh(`readlink /proc/1/ns/${kind}; readlink /proc/self/ns/${kind}`)
        .split('\n');
      expect(first).toBe(self);
      expect(first).not.toBe(readlinkSync(`/proc/${pid}/ns/${kind}`));
    }
    expect(children().length).toBe(before);
  });

  test('that cannot begin leave it no descriptor', () => {
    runDetached('one', 'sleep', '600');
    const fds = () => readdirSync(`/proc/${supervisorOf('one')}/fd`).length;
    const failing = () => expect(bench.do('run', '--rm', 'box', 'nosuch').code).toBe(127);
    failing();
    const before = fds();
    for (let times = 0; times < 3; times++) failing();
    expect(fds()).toBeLessThanOrEqual(before);
  });
});
