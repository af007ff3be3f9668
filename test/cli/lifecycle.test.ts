/** A mount from its command to its end, by each of the ways in which it can end. */

import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cliScript, isGone, until, untilIs, Workbench } from './plyfs-run.js';

let bench: Workbench;

beforeEach(() => {
  bench = new Workbench('l1', 'l2', 'u', 'm', 'm2');
  writeFileSync(join(bench.root, 'l1/low'), 'low');
  writeFileSync(join(bench.root, 'l1/both'), 'l1');
  writeFileSync(join(bench.root, 'l2/both'), 'l2');
});

afterEach(() => bench.dispose());

/** Nothing of any mount is left. */
function expectClean(): void {
  expect(bench.mounted()).toEqual([]);
  expect(bench.runIds()).toEqual([]);
}

/** What a child has open as its standard input: known once it has become the program that it runs. */
function standardInput(pid: number | undefined): string {
  return readlinkSync(`/proc/${pid}/fd/0`);
}

function mount(...args: string[]): void {
  expect(bench.plyfs('mount', ...args)).toEqual({ code: 0, stdout: '', stderr: '' });
}

describe('plyfs mount', () => {
  it('takes nothing away that has come to its place, with its number, before it has seen that it is gone', async () => {
    mount('-l', 'l2', 'm2');
    mount('-l', 'l1', 'm');
    const number = (): string => bench.run('findmnt', '-no', 'ID', 'm').stdout.trim();
    const [pid, freed] = [bench.pid(), number()];
    process.kill(pid, 'SIGSTOP');
    try {
      // The kernel gives the lowest number that is free, maybe to somebody else's mount first.
      let tries = 0;
      do {
        expect(bench.run('umount', 'm').code).toBe(0);
        expect(bench.run('mount', '--bind', 'm2', 'm').code).toBe(0);
      } while (number() !== freed && ++tries < 200);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await untilIs(() => bench.runIds().length, 1);
    expect(number()).toBe(freed);
    expect(bench.run('cat', 'm/both').stdout).toBe('l2');
    bench.run('umount', 'm');
    expect(bench.plyfs('umount', 'm2').code).toBe(0);
    expectClean();
  });

  it('answers when it returns, and plyfs umount returns when the daemon has let go', async () => {
    mount('-l', 'l1', '-l', 'l2', '--upper', 'u', 'm');
    expect(bench.run('cat', 'm/low', 'm/both').stdout).toBe('lowl2');
    const pid = bench.pid();
    expect(bench.plyfs('umount', 'm')).toEqual({ code: 0, stdout: '', stderr: '' });
    expectClean();
    await until(() => isGone(pid));
    expect(
      existsSync(join(bench.runDirectory, 'daemons')) && readdirSync(join(bench.runDirectory, 'daemons')),
    ).toEqual([]);
  });

  it('takes the overlayfs form, topmost first', () => {
    mount('-o', 'lowerdir=l2:l1,upperdir=u,workdir=work', 'm');
    expect(bench.run('cat', 'm/both').stdout).toBe('l2');
    expect(bench.run('sh', '-c', 'echo new > m/new').code).toBe(0);
    bench.plyfs('umount', 'm');
    expect(readFileSync(join(bench.root, 'u/new'), 'utf8')).toBe('new\n');
    expectClean();
  });

  it.each(['kernel', 'fuse-native'])('takes fsname, by which umount(8) finds it, engine %s', (engine) => {
    expect(bench.plyfs('mount', '--engine', engine, '-l', 'l1', '-o', 'fsname=a\\,b\\\\c', 'm').code).toBe(0);
    expect(bench.run('findmnt', '-nro', 'SOURCE', 'm').stdout).toBe('a,b\\x5cc\n');
    bench.plyfs('umount', 'm');
    expectClean();
  });

  it('without an upper is read-only', () => {
    mount('-l', 'l1', 'm');
    expect(bench.run('touch', 'm/x').stderr).toMatch(/Read-only file system/);
  });

  it.each([
    'a b',
    'quote\'"',
    'new\nline',
    'com,ma',
    'back\\slash',
    '\u00e9\u4e2d',
    '-dash',
  ])('works on %j', (name) => {
    mkdirSync(join(bench.root, name));
    const path = join(bench.root, name);
    mount('-l', 'l1', path);
    expect(bench.run('cat', `${path}/low`).stdout).toBe('low');
    expect(JSON.parse(bench.plyfs('mounts', '--format', 'json').stdout.split('\n')[0] ?? '').Mountpoint).toBe(
      path,
    );
    expect(bench.plyfs('umount', path).code).toBe(0);
    expectClean();
  });

  it('works on a mount point that is a layer, and through a symlink', () => {
    bench.run('ln', '-s', 'l1', 'link');
    mount('-l', 'l1', '-l', 'l2', 'link');
    expect(bench.run('cat', 'l1/both').stdout).toBe('l2');
    expect(bench.plyfs('umount', 'link').code).toBe(0);
    expectClean();
  });

  it('refuses a mount point that it has already', () => {
    mount('-l', 'l1', 'm');
    expect(bench.plyfs('mount', '-l', 'l2', 'm')).toEqual({
      code: 1,
      stdout: '',
      stderr:
        "plyfs mount: cannot mount on '/m': it is a plyfs mount already; to replace it: plyfs umount '/m'\n",
    });
  });

  it('refuses an upper that another mount writes to, and names the holder', () => {
    mount('-l', 'l1', '--upper', 'u', 'm');
    const pid = bench.pid();
    for (const work of ['u.work', 'other']) {
      expect(bench.plyfs('mount', '-l', 'l2', '--upper', 'u', '--work', work, 'm2').stderr).toBe(
        `plyfs mount: cannot mount on '/m2': upper '/u' is in use by the mount at '/m' (pid ${pid})\n`,
      );
    }
    expect(bench.mounted()).toEqual(['m']);
    expect(existsSync(join(bench.root, 'other'))).toBe(false);
  });

  it('refuses an upper that kernel overlayfs writes to', () => {
    mkdirSync(join(bench.root, 'work'));
    const { root } = bench;
    const options = `lowerdir=${root}/l1,upperdir=${root}/u,workdir=${root}/work`;
    expect(bench.run('mount', '-t', 'overlay', 'overlay', '-o', options, 'm2').code).toBe(0);
    expect(bench.plyfs('mount', '-l', 'l1', '--upper', 'u', 'm').stderr).toBe(
      "plyfs mount: cannot mount on '/m': upper '/u' is in use by the kernel overlay at '/m2'\n",
    );
    expect(existsSync(join(bench.root, 'u.work'))).toBe(false);
  });

  it('lets two mounts share layers', () => {
    mount('-l', 'l1', '-l', 'l2', 'm');
    mount('-l', 'l1', '-l', 'l2', '--upper', 'u', 'm2');
    expect(bench.listed('')).toEqual(['/m', '/m2']);
    expect(bench.plyfs('mounts', '-q').stdout).toContain(`${bench.root}/m\n${bench.root}/m2\n`);
    expect(bench.plyfs('umount', 'm', 'm2').code).toBe(0);
    expectClean();
  });
});

describe('a mount ends', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('cleanly on %s', async (signal) => {
    mount('-l', 'l1', 'm');
    const pid = bench.pid();
    process.kill(pid, signal);
    await until(() => isGone(pid));
    expectClean();
  });

  it('not on SIGHUP', async () => {
    mount('-l', 'l1', 'm');
    process.kill(bench.pid(), 'SIGHUP');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(bench.run('cat', 'm/low').stdout).toBe('low');
  });

  it('with a plain umount(8)', async () => {
    mount('-l', 'l1', 'm');
    const pid = bench.pid();
    expect(bench.run('umount', 'm').code).toBe(0);
    await until(() => isGone(pid));
    expectClean();
  });

  it('with umount(8) frees upper for the next mount, which waits for the end of the daemon', async () => {
    mount('-l', 'l1', '--upper', 'u', 'm');
    bench.run('stat', 'm');
    const pid = bench.pid();
    process.kill(pid, 'SIGSTOP');
    try {
      expect(bench.run('umount', 'm').code).toBe(0);
      const next = bench.start(process.execPath, cliScript, 'mount', '-l', 'l1', '--upper', 'u', 'm');
      const ended = new Promise((resolve) => next.on('exit', resolve));
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      expect(next.exitCode).toBe(null);
      process.kill(pid, 'SIGCONT');
      expect(await ended).toBe(0);
    } finally {
      if (!isGone(pid)) process.kill(pid, 'SIGCONT');
    }
    expect(bench.run('cat', 'm/low').stdout).toBe('low');
    bench.plyfs('umount', 'm');
    expectClean();
  });

  it('after SIGKILL leaves a mount that plyfs umount takes away', async () => {
    bench.env.PLYFS_KEEPER = 'off';
    mount('-l', 'l1', 'm');
    const pid = bench.pid();
    process.kill(pid, 'SIGKILL');
    await until(() => isGone(pid));
    // ENOTCONN, or ECONNABORTED where FUSE_ABORT_ERROR was negotiated.
    expect(bench.run('ls', 'm').stderr).toMatch(
      /Transport endpoint is not connected|Software caused connection abort/,
    );
    expect(bench.listed('{{.Status}}')).toEqual(['/m no daemon']);
    expect(bench.plyfs('umount', 'm')).toEqual({ code: 0, stdout: '', stderr: '' });
    expectClean();
  });

  it('when busy only with --lazy, and is then served until its last user is gone', async () => {
    mount('-l', 'l1', 'm');
    const pid = bench.pid();
    const user = bench.start('sh', '-c', 'exec sleep 30 < m/low');
    await until(() => bench.plyfs('umount', 'm').code === 1 && bench.mounted().length === 1);
    expect(bench.plyfs('umount', 'm').stderr).toBe(
      "plyfs umount: cannot unmount '/m': it is in use; see who with: fuser -vm '/m'; or use plyfs umount --lazy\n",
    );
    expect(bench.plyfs('umount', '--lazy', 'm').code).toBe(0);
    expect(bench.mounted()).toEqual([]);
    expect(bench.listed('{{.Status}}')).toEqual(['/m detached']);
    user.kill('SIGKILL');
    await until(() => isGone(pid));
    expectClean();
  });

  it('lazily on SIGTERM when busy, and at once on another one a second later', async () => {
    mount('-l', 'l1', 'm');
    const pid = bench.pid();
    const user = bench.start('sh', '-c', 'exec sleep 30 < m/low');
    await untilIs(() => standardInput(user.pid), `${bench.root}/m/low`);
    process.kill(pid, 'SIGTERM');
    await untilIs(() => bench.mounted().length, 0);
    expect(isGone(pid)).toBe(false);
    await until(() => {
      bench.run('kill', '-TERM', String(pid));
      return isGone(pid);
    }, 30_000);
    user.kill('SIGKILL');
    expectClean();
  });

  it('in the foreground with the command', async () => {
    const { cliScript } = await import('./plyfs-run.js');
    const command = bench.start(process.execPath, cliScript, 'mount', '-f', '-l', 'l1', 'm');
    const exit = new Promise((resolve) => command.on('exit', resolve));
    await until(() => bench.mounted().length === 1 && bench.run('cat', 'm/low').stdout === 'low');
    command.kill('SIGINT');
    expect(await exit).toBe(0);
    expectClean();
  });
});

describe('plyfs why', () => {
  it('asks the daemon, from a path relative to the working directory', () => {
    mount('-l', 'l1', '-l', 'l2', '--upper', 'u', '-v', './l1:/ro:ro', 'm');
    const { code, stdout } = bench.plyfs('why', 'm/both');
    expect(code).toBe(0);
    expect(stdout).toMatch(/l2\/both/);
    expect(stdout).not.toContain('refused');
    expect(bench.plyfs('why', 'm/ro/both').stdout).toContain("'/ro/both' is ro through -v ./l1:/ro:ro");
    // The kernel says the same to who has the mode against him.
    bench.run('sh', '-c', 'chmod 700 m/both');
    expect(bench.plyfs('why', '--user', '33', 'm/both').stdout).toMatch(
      /user 33 may not read, write, execute \(EACCES\): \/both is 0700 of 0:0\n$/,
    );
    expect(bench.run('setpriv', '--reuid', '33', '--clear-groups', 'cat', 'm/both').stderr).toContain(
      'denied',
    );
  });
});
