/** `plyfs image find`, `waste` and `diff` as people and CI call them. */

import { chmodSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addImage } from '../helpers/images.js';
import { ContainerBench } from './container/bench.js';

let bench: ContainerBench;

function base(directory: string): void {
  mkdirSync(join(directory, 'etc'));
  writeFileSync(join(directory, 'etc/key.pem'), 'secret');
  writeFileSync(join(directory, 'etc/other'), 'x');
}

beforeAll(() => {
  bench = new ContainerBench();
  bench.addImages();
  addImage(bench.store.root, { name: 'one:latest' }, [base]);
  bench.get('create', '--name', 'changed', 'one', 'x');
  bench.get('container', 'mount', 'changed');
  const tree = bench.get('inspect', '--format', '{{.MountPoint}}', 'changed');
  rmSync(join(tree, 'etc/key.pem'));
  chmodSync(join(tree, 'etc/other'), 0o4755);
  mkdirSync(join(tree, 'a\nb'));
  bench.get('container', 'umount', 'changed');
  bench.get('commit', 'changed', 'two');
  bench.get('volume', 'create', 'kept');
});
afterAll(() => bench.dispose());

test('image find shows what a later layer deleted, and ends with 1 when there is nothing', () => {
  const template = '{{.Layer}} {{.State}} {{.Path}}';
  expect(bench.get('image', 'find', '--format', template, 'two', '*.pem')).toBe(
    '1 deleted by 2 /etc/key.pem',
  );
  expect(bench.get('image', 'find', '-q', '--setuid', 'two')).toBe('/etc/other');
  expect(bench.get('image', 'find', '-q', '--content', 'secret', 'two', 'etc/**')).toBe('/etc/key.pem');
  expect(bench.do('image', 'find', '--shown', 'two', '*.pem')).toMatchObject({ code: 1, stderr: '' });
});

test('image waste has a limit for CI, as a share or a size', () => {
  expect(bench.get('image', 'waste', '-q', 'two')).toBe('/etc/key.pem\n/etc/other');
  expect(bench.do('image', 'waste', '--max', '50%', 'two')).toMatchObject({
    code: 1,
    stderr: "plyfs image waste: 87.5% of 'two' is wasted, which is more than 50%\n",
  });
  expect(bench.do('image', 'waste', '--max', '1k', 'two').code).toBe(0);
  expect(bench.do('image', 'waste', '--max', '0', 'one').code).toBe(0);
  expect(bench.do('image', 'waste', '--max', 'much', 'two')).toMatchObject({
    code: 1,
    stderr: "plyfs image waste: invalid --max 'much'; a share as 10%, or a size as 50m\n",
  });
});

test('image diff compares images, containers, volumes, layers and directories', () => {
  const lines = ['A /a', 'b', 'D /etc/key.pem', 'C /etc/other  mode 0644 -> 4755'];
  const diff = (...args: string[]) => bench.get('image', 'diff', '--semantic', ...args).split('\n');
  expect(diff('one', 'two')).toEqual(lines);
  expect(diff('image:one', 'changed')).toEqual(lines);
  expect(bench.do('image', 'diff', '--exit-code', '--semantic', 'one', 'two').code).toBe(1);
  expect(bench.do('image', 'diff', '--exit-code', 'two', 'container:changed')).toMatchObject({
    code: 0,
    stdout: '',
  });
  const layer = bench.get('image', 'history', '--no-trunc', '--format', '{{.Layer}}', 'one');
  expect(diff(`layer:${layer.slice(0, 16)}`, 'one')).toEqual(['']);
  const data = bench.get('volume', 'inspect', '--format', '{{.Mountpoint}}', 'kept');
  base(data);
  cpSync(data, join(bench.root, 'copy'), { recursive: true });
  expect(diff('volume:kept', join(bench.root, 'copy'))).toEqual(['']);
  expect(diff('kept', 'two').slice(-2)).toEqual(lines.slice(-2));
});

test('image diff -p shows the hunks of texts', () => {
  const [a, b] = ['a', 'b'].map((name) => join(bench.root, name)) as [string, string];
  for (const [directory, text] of [
    [a, 'one\ntwo\n'],
    [b, 'one\n2\n'],
  ] as const) {
    mkdirSync(directory);
    writeFileSync(join(directory, 'text'), text);
    writeFileSync(join(directory, 'data'), `${text}\0`);
  }
  expect(bench.get('image', 'diff', '-p', '--semantic', a, b)).toBe(
    'C /data  content (9B -> 7B)\nC /text  content (8B -> 6B)\n@@ -1,2 +1,2 @@\n one\n-two\n+2',
  );
});

test.each([
  [
    'nothing',
    "no such image, container or volume: 'nothing'; a directory is named by /PATH or ./PATH, a layer by layer:ID",
  ],
  ['volume:nothing', "no such volume: 'nothing'"],
  ['layer:zz', "no such layer: 'zz'"],
  ['dir:nothing', 'no such file or directory'],
])('image diff says what %s is not', (name, words) => {
  const { code, stderr } = bench.do('image', 'diff', 'one', name);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^plyfs image diff: [^\n]*\n$/);
  expect(stderr).toContain(words);
});
