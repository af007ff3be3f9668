/**
 * The textbook of containers and volumes, step by step as a user would type it; README.md shows the same.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addImage, fillSystem } from '../../helpers/images.js';
import { ContainerBench } from './bench.js';

describe('the textbook', () => {
  let bench: ContainerBench;
  beforeAll(() => {
    bench = new ContainerBench('host');
    bench.addImages();
  });
  afterAll(() => bench.dispose());

  const volumes = () =>
    bench
      .get('volume', 'ls', '-q')
      .split('\n')
      .filter((line) => line !== '');

  test('an image with VOLUME /data run twice has two volumes, each with what the image has there', () => {
    bench.get('run', '--name', 'first', 'data', 'sh', '-c', 'echo one > /data/mine');
    bench.get('run', '--name', 'second', 'data', 'sh', '-c', 'cat /data/seed > /data/mine');
    expect(volumes()).toHaveLength(2);
    expect(new Set(volumes()).size).toBe(2);
  });

  test('a third with --volumes-from sees what the first has written', () => {
    const seen = bench.get(
      'run',
      '--rm',
      '--volumes-from',
      'first',
      'box',
      'sh',
      '-c',
      'cat /data/seed /data/mine',
    );
    expect(seen).toBe('from the image\none');
    expect(volumes()).toHaveLength(2);
  });

  test('-v app:/data stands in for the VOLUME, and no other is made', () => {
    bench.get('run', '--name', 'app-1', '-v', 'app:/data', 'data', 'sh', '-c', 'echo version 1 >> /data/log');
    expect(volumes()).toHaveLength(3);
    expect(volumes()).toContain('app');
  });

  test('a new version of the app with the same volume has its data', () => {
    addImage(bench.store.root, { name: 'data:2', config: { Env: ['PATH=/bin'], Volumes: { '/data': {} } } }, [
      fillSystem,
      (directory) => mkdirSync(`${directory}/data`),
    ]);
    bench.get('container', 'rm', 'app-1');
    const log = bench.get(
      'run',
      '--rm',
      '-v',
      'app:/data',
      'data:2',
      'sh',
      '-c',
      'echo version 2 >> /data/log; cat /data/log /data/seed',
    );
    expect(log).toBe('version 1\nversion 2\nfrom the image');
  });

  test('stop and start keep what was written, rm deletes it', () => {
    bench.get('container', 'create', '--name', 'keeper', 'box');
    const path = bench.get('container', 'mount', 'keeper');
    bench.run('sh', '-c', `echo kept > ${path}/etc/note`);
    bench.get('container', 'stop', 'keeper');
    expect(bench.run('ls', path).stdout).toBe('');
    expect(bench.get('container', 'start', '-a', 'keeper')).toBe('default');
    bench.get('container', 'mount', 'keeper');
    expect(bench.run('cat', `${path}/etc/note`).stdout).toBe('kept\n');
    bench.get('container', 'rm', '-f', 'keeper');
    expect(bench.run('ls', path).code).toBe(2);
    expect(bench.sh('cat /etc/note || echo gone')).toBe('gone');
  });

  test('two containers of one image change the same file and do not see each other', () => {
    const [one, two] = ['pair-1', 'pair-2'].map((name) => {
      bench.get('container', 'create', '--name', name, 'box');
      return bench.get('container', 'mount', name);
    });
    bench.run('sh', '-c', `echo one > ${one}/etc/issue`);
    bench.run('sh', '-c', `echo two > ${two}/etc/issue`);
    expect(bench.run('cat', `${one}/etc/issue`, `${two}/etc/issue`).stdout).toBe('one\ntwo\n');
    expect(bench.sh('cat /etc/issue')).toBe('box');
    bench.get('container', 'rm', '-f', 'pair-1', 'pair-2');
  });

  test('a bind is edited from both sides', () => {
    writeFileSync(`${bench.root}/host/file`, 'from the host\n');
    const seen = bench.sh('cat /b/file; echo from inside > /b/file', '-v', `${bench.root}/host:/b`);
    expect(seen).toBe('from the host');
    expect(readFileSync(`${bench.root}/host/file`, 'utf8')).toBe('from inside\n');
  });

  test('a bind over a full directory hides it, a single file joins it', () => {
    writeFileSync(`${bench.root}/host/three`, '3');
    expect(bench.sh('ls /full', '-v', `${bench.root}/host:/full`)).toBe('file\nthree');
    expect(bench.sh('ls /full', '-v', `${bench.root}/host/three:/full/three`)).toBe('one\nthree\ntwo');
  });

  test('layers are stored once for 20 containers', () => {
    const bytes = () =>
      Number(
        bench
          .run('du', '-sk', bench.store.path('layers'), bench.store.path('containers'))
          .stdout.match(/\d+/g)?.[0],
      );
    const before = bytes();
    for (let count = 0; count < 20; count++) bench.get('container', 'create', 'box');
    expect(bytes()).toBe(before);
    const containers = Number(bench.run('du', '-sk', bench.store.path('containers')).stdout.split('\t')[0]);
    expect(containers).toBeLessThan(20 * 40 + 200);
  }, 120_000);

  test('rm -v takes the unnamed volumes along, named ones stay', () => {
    bench.get('container', 'rm', '-fv', ...bench.get('container', 'ls', '-aq').split('\n'));
    expect(volumes()).toEqual(['app']);
  });
});
