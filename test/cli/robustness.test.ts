/** What breaks around plyfs: full disks, no descriptors, layers and run directories that somebody else has changed. */

import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cliScript, until, Workbench } from './plyfs-run.js';

let bench: Workbench;

beforeEach(() => {
  bench = new Workbench('l1/d', 'l2/d', 'u', 'm', 'small');
  writeFileSync(join(bench.root, 'l1/low'), 'low');
  writeFileSync(join(bench.root, 'l1/d/one'), '1');
  writeFileSync(join(bench.root, 'l2/d/two'), '2');
});

afterEach(() => bench.dispose());

function sh(script: string): string {
  const { code, stdout, stderr } = bench.run('sh', '-ec', script);
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

const { SIGINT, SIGTERM } = constants.signals;

function catches(pid: number | undefined, signal: number): boolean {
  const mask = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? '';
  return ((BigInt(`0x${mask}`) >> BigInt(signal - 1)) & 1n) === 1n;
}

function oneLine(stderr: string): string {
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  return stderr;
}

describe('a run directory', () => {
  it('that is full fails the mount, and nothing is left mounted', () => {
    sh(
      'mount -t tmpfs -o size=64k none small; mkdir small/run; dd if=/dev/zero of=small/fill bs=1k 2>/dev/null || true',
    );
    const { code, stderr } = bench.run(
      'env',
      `PLYFS_RUN_DIR=${bench.root}/small/run`,
      process.execPath,
      cliScript,
      ...['mount', '-l', 'l1', '--upper', 'u', 'm'],
    );
    expect(code).toBe(1);
    expect(oneLine(stderr)).toMatch(/no space left on device.*set PLYFS_RUN_DIR/);
    expect(bench.mounted()).toEqual(['small']);
  });

  it('with what is no state does not disturb, and goes when it is old', () => {
    const broken = `${bench.runDirectory}/mounts/0123456789ab`;
    mkdirSync(broken, { recursive: true });
    expect(bench.plyfs('mount', '-l', 'l1', 'm').code).toBe(0);
    for (const content of ['', '{"pid":1', '{"pid":"x","mountpoint":"/m"}']) {
      writeFileSync(`${broken}/state.json`, content);
      expect(bench.listed('{{.Status}}')).toEqual(['/m up']);
      expect(bench.plyfs('doctor').code).toBe(0);
    }
    expect(bench.runIds()).toHaveLength(2);
    const old = new Date(Date.now() - 3_600_000);
    utimesSync(broken, old, old);
    expect(bench.plyfs('umount', 'm')).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(bench.runIds()).toEqual([]);
  });
});

describe('a layer that is removed under the mount', () => {
  it('leaves what the others have', () => {
    expect(bench.plyfs('mount', '-l', 'l1', '-l', 'l2', '--upper', 'u', 'm').code).toBe(0);
    expect(sh('ls m/d')).toBe('one\ntwo\n');
    rmSync(join(bench.root, 'l2'), { recursive: true });
    expect(sh('ls m; cat m/low m/d/one; echo new > m/new; cat m/new')).toBe('d\nlow\nlow1new\n');
    expect(bench.plyfs('umount', 'm')).toEqual({ code: 0, stdout: '', stderr: '' });
  });
});

describe('plyfs', () => {
  it('says in one line that it cannot open files enough to start', () => {
    const { code, stderr } = bench.run(
      'sh',
      '-c',
      `ulimit -n 30; exec '${process.execPath}' '${cliScript}' container ls`,
    );
    expect(code).toBe(1);
    expect(oneLine(stderr)).toMatch(/^plyfs: .*too many open files.*ulimit -n/);
  });

  it('doctor finds its programs wherever PATH leads', () => {
    sh('mkdir bin; ln -s "$(command -v dd)" bin/dd');
    const { stdout } = bench.run(
      'env',
      `PATH=${bench.root}/bin:${process.env.PATH}`,
      process.execPath,
      cliScript,
      'doctor',
    );
    expect(stdout).toMatch(/^ok +FUSE protocol/m);
  });

  it('is ended by SIGINT and SIGTERM wherever it waits', async () => {
    const child = spawn(
      process.execPath,
      [cliScript, 'volume', 'import', '--root', `${bench.root}/state`, 'data'],
      {
        env: bench.env,
        stdio: ['pipe', 'ignore', 'ignore'],
      },
    );
    const ended = new Promise((resolve) => child.on('exit', (_, signal) => resolve(signal)));
    // Node catches both as it starts; caught, they would not end a call that waits for NFS.
    await until(() => catches(child.pid, SIGINT) && catches(child.pid, SIGTERM));
    await until(() => !catches(child.pid, SIGINT) && !catches(child.pid, SIGTERM));
    child.kill('SIGINT');
    expect(await ended).toBe('SIGINT');
  });

  it('says what a full disk has cut off', () => {
    sh('mount -t tmpfs -o size=64k none small');
    expect(bench.plyfs('volume', 'create', '--root', 'small/state', 'first').code).toBe(0);
    sh('dd if=/dev/zero of=small/fill bs=1k 2>/dev/null || true');
    const { code, stderr } = bench.plyfs('volume', 'create', '--root', 'small/state', 'second');
    expect(code).toBe(1);
    expect(oneLine(stderr)).toMatch(/^plyfs volume create: cannot .*: no space left on device; make room/);
    expect(bench.plyfs('volume', 'ls', '-q', '--root', 'small/state').stdout).toBe('first\n');
    rmSync(join(bench.root, 'small/fill'));
    expect(bench.plyfs('volume', 'create', '--root', 'small/state', 'second').stdout).toBe('second\n');
    expect(bench.plyfs('doctor', '--root', 'small/state').stdout).toMatch(/^ok +store /m);
  });
});
