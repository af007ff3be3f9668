/** Mounts that come and go over a running mount: what commands of containers do. */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addRequest, removeMount } from '../../src/daemon/client/change-running-mount.js';
import { parseMountSpec } from '../../src/mounts/request/mount-spec.js';
import { parseTmpfsSpec } from '../../src/mounts/request/tmpfs-spec.js';
import { parseVolumeSpec } from '../../src/mounts/request/volume-spec.js';
import { isGone, until, untilIs, Workbench } from './plyfs-run.js';

let bench: Workbench;
let runDirectory: string | undefined;

beforeEach(() => {
  bench = new Workbench('l1/etc', 'l1/data', 'u', 'm', 'src', 'other');
  writeFileSync(join(bench.root, 'l1/data/low'), 'layer');
  writeFileSync(join(bench.root, 'l1/etc/conf'), 'layer');
  writeFileSync(join(bench.root, 'src/f'), 'host');
  runDirectory = process.env.PLYFS_RUN_DIR;
  process.env.PLYFS_RUN_DIR = bench.runDirectory;
});

afterEach(() => {
  if (runDirectory === undefined) delete process.env.PLYFS_RUN_DIR;
  else process.env.PLYFS_RUN_DIR = runDirectory;
  bench.dispose();
});

function mount(...args: string[]): void {
  const result = bench.plyfs('mount', '-l', 'l1', '--upper', 'u', '--root', 'state', ...args, 'm');
  expect(result).toEqual({ code: 0, stdout: '', stderr: '' });
}

/** What the options of `plyfs mount` take. */
interface Spec {
  readonly volume?: string;
  readonly mount?: string;
  readonly tmpfs?: string;
}

async function add({ volume, mount: fields, tmpfs = '' }: Spec): Promise<void> {
  const context = { cwd: bench.root };
  const request =
    volume !== undefined
      ? parseVolumeSpec(volume, context)
      : fields !== undefined
        ? parseMountSpec(fields, context)
        : parseTmpfsSpec(tmpfs, context);
  await addRequest(join(bench.root, 'm'), request, join(bench.root, 'state'));
}

function remove(target: string): Promise<void> {
  return removeMount(join(bench.root, 'm'), target);
}

function shell(script: string): string {
  const { code, stdout, stderr } = bench.run('sh', '-c', script);
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

describe('a running mount', () => {
  it('gets a bind over a directory that is cached, and gives it back', async () => {
    mount();
    expect(shell('ls m m/data; cat m/data/low')).toBe('m:\ndata\netc\n\nm/data:\nlow\nlayer');
    await add({ volume: './src:/data' });
    expect(shell('ls m/data; cat m/data/f; echo new > m/data/n')).toBe('f\nhost');
    expect(readFileSync(join(bench.root, 'src/n'), 'utf8')).toBe('new\n');
    expect(bench.run('rmdir', 'm/data').stderr).toMatch(/Device or resource busy/);
    await remove('/data');
    expect(shell('ls m/data; cat m/data/low')).toBe('low\nlayer');
    expect(shell('echo x > m/data/up; ls u/data src')).toBe('src:\nf\nn\n\nu/data:\nup\n');
  });

  it('gets mounts at names that it has listed as missing, and they leave nothing behind', async () => {
    mount('-v', './other:/there');
    expect(bench.run('stat', 'm/a/b').code).toBe(1);
    expect(shell('ls m')).toBe('data\netc\nthere\n');
    await add({ volume: './src:/a/b' });
    await add({ volume: './src/f:/etc/single:ro' });
    await add({ tmpfs: '/t:size=1m' });
    await add({ volume: './src:/there/in/side' });
    expect(shell('ls m m/etc; cat m/a/b/f m/etc/single m/there/in/side/f; echo t > m/t/t; cat m/t/t')).toBe(
      'm:\na\ndata\netc\nt\nthere\n\nm/etc:\nconf\nsingle\nhosthosthostt\n',
    );
    expect(bench.plyfs('mounts', '--format', '{{json .Mounts}}').stdout).toContain(
      '["/there (bind)","/a/b (bind)","/etc/single (bind)","/t (tmpfs)","/there/in/side (bind)"]',
    );
    for (const target of ['/a/b', '/etc/single', '/t', '/there/in/side']) await remove(target);
    expect(shell('ls m m/etc m/there; ls u other')).toBe(
      'm:\ndata\netc\nthere\n\nm/etc:\nconf\n\nm/there:\nother:\n\nu:\n',
    );
    expect(bench.plyfs('umount', 'm')).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('serves files that are open in a mount that was taken away', async () => {
    mount();
    await add({ volume: './src:/data' });
    const user = bench.start(
      'sh',
      '-c',
      'exec 3<m/data/f; touch ready; until test -e go; do sleep 0.05; done; cat <&3 > out',
    );
    await until(() => existsSync(join(bench.root, 'ready')));
    await remove('/data');
    expect(shell('ls m/data')).toBe('low\n');
    writeFileSync(join(bench.root, 'go'), '');
    await until(() => isGone(user.pid!));
    expect(readFileSync(join(bench.root, 'out'), 'utf8')).toBe('host');
    await add({ volume: './other:/data' });
    expect(shell('ls m/data')).toBe('');
    expect(bench.plyfs('umount', 'm')).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('lets go of what was taken away when its last user is gone', async () => {
    mount();
    shell('truncate -s 8m image && mkfs.ext4 -q image && mount -o loop image src && echo disk > src/f');
    await add({ volume: './src:/data' });
    expect(shell('cat m/data/f')).toBe('disk\n');
    await remove('/data');
    await untilIs(() => bench.run('umount', 'src').code, 0);
  });

  it('makes a volume at its first use, which is free again afterwards', async () => {
    mount();
    await add({ mount: 'type=volume,src=vol,dst=/v' });
    shell('echo v > m/v/f');
    expect(readFileSync(join(bench.root, 'state/volumes/vol/_data/f'), 'utf8')).toBe('v\n');
    expect(bench.plyfs('volume', 'rm', '--root', 'state', 'vol').stderr).toMatch(/volume is in use/);
    await remove('/v');
    await untilIs(() => bench.plyfs('volume', 'rm', '--root', 'state', 'vol').code, 0);
    expect(readdirSync(join(bench.root, 'state/volumes'))).toEqual([]);
  });

  it('counts the uses of a volume that is mounted twice, and of one whose file is still open', async () => {
    mount();
    await add({ mount: 'type=volume,src=vol,dst=/v' });
    shell('echo v > m/v/f');
    const user = bench.start('sh', '-c', 'exec 3<m/v/f; touch ready; until test -e go; do sleep 0.05; done');
    await until(() => existsSync(join(bench.root, 'ready')));
    await remove('/v');
    await add({ mount: 'type=volume,src=vol,dst=/v' });
    await add({ mount: 'type=volume,src=vol,dst=/w' });
    const remaining = () => bench.plyfs('volume', 'rm', '--root', 'state', 'vol').code;
    await remove('/v');
    expect(shell('cat m/w/f')).toBe('v\n');
    await remove('/w');
    expect(remaining()).toBe(1);
    writeFileSync(join(bench.root, 'go'), '');
    await until(() => isGone(user.pid!));
    await untilIs(() => remaining(), 0);
  });

  it('refuses what a new mount refuses, and stays as it was', async () => {
    mount('-v', './src:/there');
    await expect(add({ volume: './src:/there' })).rejects.toThrow('Duplicate mount point: /there');
    await expect(add({ volume: './none:/x' })).rejects.toThrow('bind source path does not exist');
    await expect(add({ volume: './src:/etc/conf' })).rejects.toThrow('would be a directory over a file');
    await add({ volume: './other:/there/x/y' });
    await expect(remove('/there')).rejects.toThrow("'/there/x/y' is mounted inside");
    await expect(remove('/nowhere')).rejects.toThrow("nothing is mounted at '/nowhere'");
    await expect(removeMount(join(bench.root, 'other'), '/x')).rejects.toThrow('no plyfs mount');
    expect(shell('ls m m/there')).toBe('m:\ndata\netc\nthere\n\nm/there:\nf\nx\n');
    expect(bench.listed('{{json .Mounts}}')).toEqual(['/m ["/there (bind)","/there/x/y (bind)"]']);
  });

  it('of the engine fuse-native says that it cannot', async () => {
    expect(bench.plyfs('mount', '--engine', 'fuse-native', '-l', 'l1', 'm').code).toBe(0);
    await expect(add({ volume: './src:/data' })).rejects.toThrow('not with the engine fuse-native');
  });
});
