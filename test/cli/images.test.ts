/** What the commands about images print and accept, as users and scripts see it. */

import { spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LayoutBuilder } from '../helpers/oci-layout.js';
import { tarBytes } from '../helpers/tar-bytes.js';
import { cliScript, Workbench } from './plyfs-run.js';

let bench: Workbench;
beforeAll(() => {
  bench = new Workbench();
  const layout = new LayoutBuilder();
  layout
    .name(layout.image([tarBytes({ name: 'a', content: 'a' })]), 'app:1')
    .writeTo(join(bench.root, 'layout'));
  writeFileSync(join(bench.root, 'root.tar'), tarBytes({ name: 'b', content: 'bb' }));
  image('load', '-i', 'layout');
});
afterAll(() => bench.dispose());

function image(...args: string[]): string {
  const { code, stdout, stderr } = bench.plyfs('image', ...args, '--root', 'store');
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

test('import --platform says what the image is for', () => {
  const id = image('import', '--platform', 'linux/arm64/v8', 'root.tar', 'arm:1').trim();
  const shown = '{{.Os}}/{{.Architecture}}/{{.Variant}}';
  expect(image('inspect', '--format', shown, 'arm:1')).toBe('linux/arm64/v8\n');
  expect(image('history', '-q', '--no-trunc', '--platform', 'linux/arm64', 'arm:1').trim()).toBe(id);
  const { code, stderr } = bench.plyfs(
    'image',
    'history',
    '--platform',
    'linux/mips',
    'arm:1',
    '--root',
    'store',
  );
  expect([code, stderr]).toEqual([
    1,
    expect.stringContaining("'arm:1' is for linux/arm64/v8, and the store has none for linux/mips"),
  ]);
  expect(
    bench.plyfs('image', 'import', '--platform', 'x/y/z/w', 'root.tar', '--root', 'store').stderr,
  ).toContain("invalid platform 'x/y/z/w'");
  image('rm', 'arm:1');
});

describe('--format json has the keys that the help names, with their types', () => {
  const types = (row: object): string[] =>
    Object.entries(row).map(([key, value]) => `${key} ${typeof value}`);

  test('ls', () => {
    const rows = image('ls', '--format', 'json')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rows.map(types)).toEqual([
      [
        ...['Containers number', 'CreatedAt string', 'CreatedSince string', 'Digest string', 'ID string'],
        ...['Repository string', 'SharedSize string', 'Size string', 'SizeBytes number', 'Tag string'],
        ...['UniqueSize string', 'VirtualSize string'],
      ],
    ]);
    expect(rows[0]).toMatchObject({
      Repository: 'app',
      Tag: '1',
      CreatedAt: '2026-01-01T00:00:00Z',
      SizeBytes: 1,
    });
  });

  test('history', () => {
    const rows = image('history', 'app:1', '--format', 'json')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rows.map(types)).toEqual([
      [
        ...['Comment string', 'CreatedAt string', 'CreatedBy string', 'CreatedSince string', 'ID string'],
        ...['Layer string', 'Size string', 'SizeBytes number'],
      ],
    ]);
    expect(rows[0]).toMatchObject({ CreatedBy: 'step 0', SizeBytes: 1 });
  });

  test('inspect', () => {
    const [row] = JSON.parse(image('inspect', 'app:1'));
    expect(Object.keys(row)).toEqual(
      expect.arrayContaining([
        ...['Id', 'Digest', 'RepoTags', 'RepoDigests', 'Comment', 'Created', 'Author', 'Architecture'],
        ...['Variant', 'Os', 'Size', 'VirtualSize', 'Config', 'RootFS', 'LayerDirectories', 'GraphDriver'],
      ]),
    );
    expect(readdirSync(row.LayerDirectories[0])).toEqual(['a']);
  });

  test('help names them', () => {
    expect(image('ls', '--help')).toContain(
      'Keys of --format json and of a template:\nRepository, Tag, Digest, ID,',
    );
    expect(image('history', '--help')).toContain('a template: ID, Layer, CreatedAt,');
    expect(image('inspect', '--help')).toContain('Id, Digest, RepoTags,');
  });
});

describe('save', () => {
  test('says nothing when its reader is gone', () => {
    const save = `${process.execPath} ${cliScript} image save --root store app:1`;
    const { stdout, stderr } = spawnSync('bash', ['-c', `${save} | true; echo \${PIPESTATUS[0]}`], {
      cwd: bench.root,
      encoding: 'utf8',
    });
    expect([stdout, stderr]).toEqual(['141\n', '']);
  });

  test('says what could not be written, in a line', () => {
    for (const output of [['-o', '/dev/full'], []]) {
      const args = ['image', 'save', '--root', 'store', ...output, 'app:1'];
      const command = `${process.execPath} ${cliScript} ${args.join(' ')} >/dev/full`;
      const { status, stderr } = spawnSync('sh', ['-c', command], { cwd: bench.root, encoding: 'utf8' });
      const what = output.length === 0 ? 'to standard output' : "'/dev/full'";
      expect([status, stderr]).toEqual([
        1,
        `plyfs image save: cannot write ${what}: no space left on device\n`,
      ]);
    }
  });

  test('leaves no file when one of the images is not there', () => {
    const { code, stderr } = bench.plyfs('image', 'save', '--root', 'store', '-o', 'x.tar', 'app:1', 'none');
    expect([code, stderr]).toEqual([
      1,
      "plyfs image save: no such image: 'none'; 'plyfs image ls' shows those there are\n",
    ]);
    expect(readdirSync(bench.root).filter((name) => name.startsWith('x.tar'))).toEqual([]);
  });

  test('writes several images with what they share once, and loads them again', () => {
    image('tag', 'app:1', 'other:2');
    image('save', '-o', 'both.tar', 'app:1', 'other:2');
    image('save', '--format', 'docker-archive', '-o', 'docker.tar', 'app:1', 'other:2');
    for (const archive of ['both.tar', 'docker.tar']) {
      const { stdout } = bench.plyfs('image', 'load', '--root', 'second', '-i', archive);
      expect(stdout.trim().split('\n').sort()).toEqual(['Loaded image: app:1', 'Loaded image: other:2']);
      const entries = bench.run('tar', '-tf', archive).stdout.trim().split('\n');
      expect(new Set(entries).size).toBe(entries.length);
    }
    image('rm', 'other:2');
  });
});

test('SOURCE_DATE_EPOCH makes the same image of the same tar', () => {
  const make = (name: string, epoch: string) => {
    const args = [cliScript, 'image', 'import', '--root', 'third', 'root.tar', name];
    return spawnSync(process.execPath, args, {
      cwd: bench.root,
      env: { ...bench.env, SOURCE_DATE_EPOCH: epoch },
      encoding: 'utf8',
    });
  };
  const first = make('a:1', '1000000000');
  expect([first.status, first.stderr]).toEqual([0, '']);
  expect(make('b:1', '1000000000').stdout).toBe(first.stdout);
  expect(make('c:1', '1000000001').stdout).not.toBe(first.stdout);
  expect(make('d:1', 'today').stderr).toContain("invalid SOURCE_DATE_EPOCH: 'today' is no number of seconds");
});

test('prune takes an age, as docker does', () => {
  expect(image('prune', '-af', '--filter', 'until=8760000h')).toBe('Total reclaimed space: 0B\n');
  const { code, stderr } = bench.plyfs('image', 'prune', '-f', '--root', 'store', '--filter', 'until=soon');
  expect([code, stderr]).toEqual([
    1,
    "plyfs image prune: invalid filter 'until=soon'; an age as 10m, 24h, 7d, or a date\n",
  ]);
  expect(image('prune', '-af', '--filter', 'until=1s')).toContain('Untagged: app:1');
});
