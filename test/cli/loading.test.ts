/** What a command loads, a third of a millisecond a module: nothing that it has no use for. */

import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { addImage } from '../helpers/images.js';
import { distPath } from '../helpers/project-paths.js';
import { Workbench } from './plyfs-run.js';

const bench = new Workbench('store');
afterAll(() => bench.dispose());

/** Our own modules that a command has loaded, from dist/src on, as V8 reports them for coverage. */
function loadedBy(...args: string[]): string[] {
  const folder = mkdtempSync(join(bench.root, 'coverage-'));
  const { code, stderr } = bench.run(
    'env',
    `NODE_V8_COVERAGE=${folder}`,
    process.execPath,
    // Module by module, as it is compiled.
    distPath('src/cli/main.js'),
    ...args,
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const reports = readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')));
  const urls = reports.flatMap(({ result }) => result.map(({ url }: { url: string }) => url));
  return urls.filter((url) => url.includes('/dist/src/')).map((url) => url.replace(/^.*\/dist\/src\//, ''));
}

const folders = (names: readonly string[], prefix: string): string[] =>
  names.filter((name) => name.startsWith(prefix));

/** It makes directories as Node does, and loads no koffi. */
const MAKER = 'linux/files/make-directories.js';
/** They read files of /proc, and load no koffi. */
const READERS = [MAKER, 'linux/mounts/mountinfo.js', 'linux/process/user-namespace.js'];

describe('a command loads what it needs alone', () => {
  test('ps: neither the union nor other commands, nor system calls, nor what reads images', () => {
    const loaded = loadedBy('ps', '--root', join(bench.root, 'store'));
    expect(loaded).toContain('container/view/list-containers.js');
    expect(folders(loaded, 'union/')).toEqual([]);
    expect(folders(loaded, 'realfs/')).toEqual([]);
    expect(folders(loaded, 'image/')).toEqual([]);
    expect(folders(loaded, 'linux/').sort()).toEqual(READERS);
    expect(folders(loaded, 'cli/commands/')).toEqual(['cli/commands/container/container-list.js']);
    // 60 on 2026-11-30, where templates are in nine files of ours; with system calls, images and Node's crypto it was 75, with the union and all commands 190.
    expect(loaded.length).toBeLessThan(64);
  });

  test('a container without mounts: not the union, which would look for their places', () => {
    const root = join(bench.root, 'store');
    addImage(root, { name: 'box:latest', config: { Cmd: ['sh'] } }, [() => undefined]);
    const loaded = loadedBy('create', '--root', root, 'box');
    expect(loaded).toContain('container/make/create-container.js');
    expect(folders(loaded, 'union/nodes/')).toEqual([]);
    // 156 on 2026-11-30; with the union it was 261.
    expect(loaded.length).toBeLessThan(170);
  });

  test('a mount: neither the union nor the system calls, which the daemon has', () => {
    mkdirSync(join(bench.root, 'layer'));
    mkdirSync(join(bench.root, 'at'));
    try {
      const loaded = loadedBy('mount', '-l', 'layer', 'at');
      expect(loaded).toContain('daemon/client/launch.js');
      expect(folders(loaded, 'union/')).toEqual(['union/form/union-features.js']);
      expect(folders(loaded, 'linux/files')).toEqual([MAKER]);
      // 78 on 2026-11-30; with the union it was 181, and twice the CPU time.
      expect(loaded.length).toBeLessThan(90);
    } finally {
      bench.plyfs('umount', 'at');
    }
  });

  test('exec and stop of a container that runs: neither layers nor the union', () => {
    const root = join(bench.root, 'store');
    const folder = ['--root', root];
    addImage(root, { name: 'sleepy:latest', config: {} }, [
      (layer) => {
        mkdirSync(join(layer, 'bin'));
        cpSync('/bin/busybox', join(layer, 'bin/busybox'));
      },
    ]);
    const command = ['/bin/busybox', 'sleep', '60'];
    expect(bench.plyfs('run', ...folder, '-d', '--name', 'sleepy', 'sleepy', ...command).code).toBe(0);
    const executed = loadedBy('exec', ...folder, 'sleepy', '/bin/busybox', 'true');
    const stopped = loadedBy('stop', ...folder, '-t', '0', 'sleepy');
    expect(executed).toContain('container/command/exec-in-container.js');
    expect(stopped).toContain('container/end/stop-container.js');
    for (const loaded of [executed, stopped]) {
      expect(folders(loaded, 'union/')).toEqual([]);
      expect(folders(loaded, 'realfs/')).toEqual([]);
      expect(folders(loaded, 'image/')).toEqual([]);
    }
  });

  test('mounts: not even the system calls', () => {
    const loaded = loadedBy('mounts');
    expect(loaded).toContain('daemon/run-directory/list-mounts.js');
    expect(folders(loaded, 'linux/').sort()).toEqual(READERS);
    expect(loaded.length).toBeLessThan(48);
  });
});
