/** Mounts over the union through the command: what only a whole mount, with its own options, shows. */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Workbench } from './plyfs-run.js';

let bench: Workbench;

beforeEach(() => {
  bench = new Workbench('l1/etc', 'u', 'm', 'src', 'state/volumes/vol/_data/sub');
  writeFileSync(join(bench.root, 'src/f'), 'host');
  writeFileSync(join(bench.root, 'state/volumes/vol/_data/sub/file'), 'in the volume');
});

afterEach(() => bench.dispose());

function mount(...args: string[]): void {
  const result = bench.plyfs('mount', '-l', 'l1', '--upper', 'u', '--root', 'state', ...args, 'm');
  expect(result).toEqual({ code: 0, stdout: '', stderr: '' });
}

function shell(script: string): string {
  const { code, stdout, stderr } = bench.run('sh', '-c', script);
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

describe('plyfs mount', () => {
  it('binds a directory that holds the mount point, without waiting for itself', () => {
    mount('-v', '/:/host', '-v', '/:/again', '-v', '.:/here');
    const inside = `m/host${bench.root}`;
    expect(shell(`ls ${inside}/m m/here/m | grep -v :`).trim()).toBe('');
    expect(shell(`ls ${inside}/src`)).toBe('f\n');
    shell(`echo x > ${inside}/src/g && mv ${inside}/src/g m/again${bench.root}/src/h`);
    expect(readdirSync(join(bench.root, 'src'))).toEqual(['f', 'h']);
    expect(bench.plyfs('umount', 'm').code).toBe(0);
  });

  it('shows a directory or a file of a volume by volume-subpath', () => {
    mount(
      '--mount',
      'type=volume,src=vol,dst=/d,volume-subpath=sub',
      '--mount',
      'type=volume,src=vol,dst=/etc/f,volume-subpath=sub/file',
    );
    expect(shell('cat m/d/file m/etc/f; ls m/etc')).toBe('in the volumein the volumef\n');
  });

  it('makes volumes at first use and bind sources when asked, and keeps what is in them', () => {
    mount('-v', 'new:/v', '-v', '/anonymous', '--mount', 'type=bind,src=./a/b,dst=/b,bind-create-src');
    shell('echo v > m/v/f; echo b > m/b/f; echo a > m/anonymous/f');
    expect(bench.plyfs('umount', 'm').code).toBe(0);
    expect(readFileSync(join(bench.root, 'state/volumes/new/_data/f'), 'utf8')).toBe('v\n');
    expect(readFileSync(join(bench.root, 'a/b/f'), 'utf8')).toBe('b\n');
    expect(
      readdirSync(join(bench.root, 'state/volumes')).filter((name) => /^[0-9a-f]{64}$/.test(name)),
    ).toHaveLength(1);
    expect(readdirSync(join(bench.root, 'u'))).toEqual([]);
  });

  it('keeps the size, mode and owner of a tmpfs, which is gone afterwards', () => {
    mount('--tmpfs', '/t:size=1m,mode=0750,uid=7,gid=8', '--mount', 'type=tmpfs,dst=/ro/s,tmpfs-mode=700');
    expect(shell('stat -c "%a %u %g" m/t m/ro/s')).toBe('750 7 8\n700 0 0\n');
    const { stderr } = bench.run('dd', 'if=/dev/zero', 'of=m/t/f', 'bs=64k', 'count=32');
    expect(stderr).toMatch(/No space left on device/);
    expect(shell('stat -c %s m/t/f')).toBe('1048576\n');
    expect(bench.plyfs('umount', 'm').code).toBe(0);
    expect(existsSync(join(bench.root, 'u/t'))).toBe(false);
  });

  it('says once what it accepts and does not do, and that sockets do not connect', () => {
    shell('mkfifo pipe');
    const args = ['-v', './src:/x:z', '-v', './src:/y:Z', '-v', './pipe:/pipe'];
    const { code, stderr } = bench.plyfs('mount', '-l', 'l1', ...args, 'm');
    expect(code).toBe(0);
    expect(stderr).toBe(
      'plyfs mount: SELinux labels (z, Z) are accepted and do nothing in plyfs\n' +
        'plyfs mount: sockets and fifos of a bind do not connect processes in the mount with those on the host\n',
    );
    expect(bench.run('stat', '-c', '%F', 'm/pipe').stdout).toBe('fifo\n');
  });
});
