/**
 * Volumes on other storage: mounted at first use, once for all users, unmounted at last, whatever becomes of the daemons.
 */

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AS_NOBODY } from '../helpers/as-nobody.js';
import { SshServer } from '../helpers/ssh-server.js';
import { cliScript, isGone, type Result, until, untilIs, Workbench } from './plyfs-run.js';

let bench: Workbench;

beforeEach(() => {
  bench = new Workbench('l1', 'm1', 'm2', 'state');
});

afterEach(() => bench.dispose());

function ok(...args: string[]): string {
  const { code, stdout, stderr } = bench.plyfs(...args);
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

function create(name: string, ...options: string[]): void {
  ok('volume', 'create', '--root', 'state', ...options.flatMap((option) => ['--opt', option]), name);
}

function mount(mountpoint: string, ...args: string[]): Result {
  return bench.plyfs('mount', '-l', 'l1', '--root', 'state', ...args, mountpoint);
}

function sh(script: string): string {
  const { code, stdout, stderr } = bench.run('sh', '-ec', script);
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

/** What is mounted in volumes. */
function storage(): string[] {
  return bench.mounted().filter((point) => point.startsWith('state/'));
}

describe('a volume with type=, device=, o=', () => {
  it('is mounted at first use, counted, and unmounted at last', () => {
    create('scratch', 'type=tmpfs', 'device=tmpfs', 'o=size=1m,mode=1777');
    expect(storage()).toEqual([]);
    expect(mount('m1', '-v', 'scratch:/x').code).toBe(0);
    expect(mount('m2', '-v', 'scratch:/y', '-v', 'scratch:/z').code).toBe(0);
    sh('echo shared > m1/x/f; cat m2/y/f m2/z/f');
    expect(sh('stat -f -c %T state/volumes/scratch/_data').trim()).toBe('tmpfs');
    expect(storage()).toEqual(['state/volumes/scratch/_data']);
    expect(bench.run('dd', 'if=/dev/zero', 'of=m1/x/big', 'bs=64k', 'count=32').stderr).toMatch(
      /No space left/,
    );
    ok('umount', 'm1');
    expect(storage()).toHaveLength(1);
    expect(sh('cat m2/y/f')).toBe('shared\n');
    ok('umount', 'm2');
    expect(storage()).toEqual([]);
  });

  it('does not count a killed daemon', async () => {
    bench.env.PLYFS_KEEPER = 'off';
    sh('truncate -s 4M disk && mke2fs -q -F -t ext4 disk >/dev/null 2>&1');
    create('disk', 'type=ext4', `device=${bench.root}/disk`, 'o=loop');
    expect(mount('m1', '-v', 'disk:/x').code).toBe(0);
    sh('echo kept > m1/x/f');
    const pid = bench.pid();
    process.kill(pid, 'SIGKILL');
    await until(() => isGone(pid));
    sh('umount m1');
    expect(storage()).toHaveLength(1);
    expect(ok('volume', 'ls', '--root', 'state', '--format', '{{.UsedBy}}|{{.Mounted}}')).toBe('|true\n');
    expect(mount('m1', '-v', 'disk:/x').code).toBe(0);
    expect(sh('cat m1/x/f')).toBe('kept\n');
    ok('umount', 'm1');
    expect(storage()).toEqual([]);
    expect(ok('volume', 'rm', '--root', 'state', 'disk')).toBe('disk\n');
    // What was mounted there is not ours to delete.
    expect(sh('debugfs -R "cat /f" disk 2>/dev/null')).toBe('kept\n');
  });

  it('left mounted by a killed daemon is unmounted when the volume is removed, and keeps its content', async () => {
    bench.env.PLYFS_KEEPER = 'off';
    mkdirSync(join(bench.root, 'there'));
    create('there', 'type=none', `device=${bench.root}/there`, 'o=bind');
    expect(mount('m1', '-v', 'there:/x').code).toBe(0);
    sh('echo kept > m1/x/f');
    const pid = bench.pid();
    process.kill(pid, 'SIGKILL');
    await until(() => isGone(pid));
    sh('umount m1');
    ok('volume', 'rm', '--root', 'state', 'there');
    expect(storage()).toEqual([]);
    expect(readFileSync(join(bench.root, 'there/f'), 'utf8')).toBe('kept\n');
  });

  it('takes options of --mount for a volume that it makes', () => {
    const spec =
      'type=volume,src=new,dst=/x,volume-driver=local,volume-label=a=b,volume-opt=type=tmpfs,volume-opt=device=tmpfs';
    expect(mount('m1', '--mount', spec)).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(storage()).toEqual(['state/volumes/new/_data']);
    const [record] = JSON.parse(ok('volume', 'inspect', '--root', 'state', 'new'));
    expect(record).toMatchObject({
      Labels: { a: 'b' },
      Options: { type: 'tmpfs', device: 'tmpfs' },
      Mounted: true,
    });
    ok('umount', 'm1');
    const other = spec.replace('volume-opt=device=tmpfs', 'volume-opt=device=other');
    expect(mount('m1', '--mount', other).stderr).toBe(
      "plyfs mount: volume 'new' exists with other options: type=tmpfs device=tmpfs; choose another name, or remove it first\n",
    );
  });

  it.each([
    [['type=ext4', 'device=/nowhere/disk'], /cannot mount volume 'broken': mount: .*\/nowhere\/disk.*/],
    [['type=nosuchfs', 'device=none'], /'broken': mount: special device none does not exist\n$/],
    [['type=tmpfs', 'device=tmpfs', 'o=size=rubbish'], /cannot mount volume 'broken': mount: /],
  ])('that cannot be mounted says what mount(8) says, in one line, and leaves nothing: %j', (options, message) => {
    create('broken', ...options);
    const { code, stderr } = mount('m1', '-v', 'broken:/x', '-v', '/anonymous');
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(bench.mounted()).toEqual([]);
    expect(bench.runIds()).toEqual([]);
    expect(readdirSync(join(bench.root, 'state/volumes'))).toEqual(['broken']);
    expect(ok('volume', 'rm', '--root', 'state', 'broken')).toBe('broken\n');
  });
});

describe('without root', () => {
  it.each([
    [
      ['create', '--opt', 'size=5m', 'disk'],
      'plyfs volume create: cannot make a volume with size=: it needs root, for a disk of its own; leave size= out, or use --tmpfs TARGET:size=\n',
    ],
    [
      ['clone', 'scratch', 'copy'],
      "plyfs volume clone: cannot mount volume 'scratch': its options need mount(8), which needs root; run plyfs as root, or bind a directory where you have mounted it yourself\n",
    ],
  ])('%j says so in one line', (args, stderr) => {
    create('scratch', 'type=tmpfs', 'device=tmpfs');
    sh('chown -R 65534:65534 .');
    const [command = '', ...rest] = args;
    const all = ['volume', command, '--root', 'state', ...rest];
    expect(bench.run('setpriv', ...AS_NOBODY, process.execPath, cliScript, ...all)).toEqual({
      code: 1,
      stdout: '',
      stderr,
    });
    expect(readdirSync(join(bench.root, 'state/volumes'))).toEqual(['scratch']);
  });
});

describe('a volume with size=', () => {
  it('keeps to it for whoever writes, shows it in statfs, and keeps its content', () => {
    create('small', 'size=8m');
    expect(mount('m1', '-v', 'small:/x').code).toBe(0);
    expect(sh('ls -A m1/x')).toBe('');
    const total = Number(sh('stat -f -c "%b %S" m1/x | { read b s; echo $((b * s)); }'));
    expect(total).toBeGreaterThan(6 * 1024 * 1024);
    expect(total).toBeLessThanOrEqual(8 * 1024 * 1024);
    const full = bench.run('dd', 'if=/dev/zero', 'of=m1/x/big', 'bs=64k', 'count=200');
    expect(full.stderr).toMatch(/No space left on device/);
    const host = bench.run('dd', 'if=/dev/zero', 'of=state/volumes/small/_data/g', 'bs=64k', 'count=2');
    expect(host.stderr).toMatch(/No space left/);
    sh('rm m1/x/big m1/x/g; echo kept > m1/x/f');
    ok('umount', 'm1');
    expect(storage()).toEqual([]);
    expect(mount('m2', '-v', 'small:/x').code).toBe(0);
    expect(sh('cat m2/x/f')).toBe('kept\n');
    ok('umount', 'm2');
    ok('volume', 'clone', '--root', 'state', 'small', 'copy');
    expect(storage()).toEqual([]);
    expect(mount('m2', '-v', 'copy:/x').code).toBe(0);
    expect(sh('cat m2/x/f; stat -f -c %T m2/x/').split('\n')[0]).toBe('kept');
    ok('umount', 'm2');
  });
});

describe('a volume on sshfs', () => {
  it('works over sshd on loopback, and its server ends with the last user', async () => {
    const server = await SshServer.start(bench.root);
    try {
      mkdirSync(join(bench.root, 'far'));
      const o = [...server.options, 'allow_other'].join(',');
      create('far', 'type=fuse.sshfs', `device=root@127.0.0.1:${bench.root}/far`, `o=${o}`);
      expect(mount('m1', '-v', 'far:/x')).toEqual({ code: 0, stdout: '', stderr: '' });
      sh('echo here > m1/x/f; mkdir m1/x/d; mv m1/x/f m1/x/d/g');
      expect(readFileSync(join(bench.root, 'far/d/g'), 'utf8')).toBe('here\n');
      writeFileSync(join(bench.root, 'far/h'), 'there\n');
      expect(sh('cat m1/x/h')).toBe('there\n');
      ok('umount', 'm1');
      expect(storage()).toEqual([]);
      const names = () => bench.run('pgrep', '-f', `sshfs.*${bench.root}/far`).stdout;
      await untilIs(() => names(), '');
    } finally {
      server.stop();
    }
  });
});
