/** `plyfs doctor` on a store in which each thing that can go wrong has: found, mended, and clean when asked again. */

import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cliScript, isGone, until, Workbench } from './plyfs-run.js';

let bench: Workbench;

beforeEach(() => {
  bench = new Workbench('l1', 'm', 'state');
});

afterEach(() => bench.dispose());

const ID = 'c'.repeat(64);
const HEX = 'd'.repeat(64);

function at(...parts: string[]): string {
  return join(bench.root, 'state', ...parts);
}

function put(path: string, value: unknown): void {
  mkdirSync(join(at(path), '..'), { recursive: true });
  writeFileSync(at(path), typeof value === 'string' ? value : JSON.stringify(value));
}

function container(fields: object = {}): void {
  for (const folder of ['upper', 'work', 'merged'])
    mkdirSync(at('containers', ID, folder), { recursive: true });
  put(`containers/${ID}/container.json`, {
    id: ID,
    name: 'app',
    createdAt: '',
    image: { id: 'x', name: 'x' },
    layers: [],
    mounts: [],
    ...fields,
  });
}

/** What doctor says of the store, without what is well. */
function found(): string[] {
  const { stdout, stderr } = bench.plyfs('doctor', '--root', 'state', '--format', 'json');
  expect(stderr).toBe('');
  const findings = JSON.parse(stdout) as { name: string; ok: string; detail: string }[];
  return findings.filter(({ name, ok }) => name === 'store' && ok !== 'ok').map(({ detail }) => detail);
}

/** Mends, and expects the second look to find nothing. @returns what it says that it did. */
function fix(): string {
  const { stderr, code } = bench.plyfs('doctor', '--fix', '--root', 'state');
  expect(code).toBe(0);
  expect(stderr).not.toContain('failed');
  expect(found()).toEqual([]);
  return stderr;
}

describe('plyfs doctor', () => {
  it('finds nothing in a store that is well, nor in none', () => {
    expect(found()).toEqual([]);
    expect(bench.plyfs('volume', 'create', '--root', 'state', 'data').code).toBe(0);
    mkdirSync(at('layers', HEX, 'tree'), { recursive: true });
    put(`layers/${HEX}/layer.json`, {});
    container({ layers: [HEX], mounts: [{ origin: 'volume', request: { type: 'volume', source: 'data' } }] });
    expect(found()).toEqual([]);
  });

  const cases: readonly (readonly [string, () => void, RegExp, RegExp])[] = [
    [
      'a change that was cut off',
      () => {
        mkdirSync(at('volumes/.new-1'), { recursive: true });
        put('pending/1.json', '[{"do":"remove","path":"volumes/.new-1"}]\n');
      },
      /^a change was cut off: pending\/1\.json$/,
      /complete or undo it: done/,
    ],
    [
      'a change that cannot be completed',
      () => {
        put('volumes/full/x', '');
        put('volumes/other/y', '');
        put('pending/1.json', '[{"do":"rename","from":"volumes/full","to":"volumes/other"}]\n');
        put('volumes/full/volume.json', { name: 'full', labels: {}, options: {}, driver: 'local' });
        put('volumes/other/volume.json', { name: 'other', labels: {}, options: {}, driver: 'local' });
        for (const name of ['full', 'other']) mkdirSync(at('volumes', name, '_data'));
      },
      /^a change was cut off/,
      /complete or undo it: done/,
    ],
    [
      'something half-made that no change speaks of',
      () => put('containers/.new-2/upper/f', 'x'),
      /^containers\/\.new-2 was being made, and nobody makes it$/,
      /delete it: done/,
    ],
    ['trash', () => put('trash/old/f', 'x'), /^trash\/old was not deleted$/, /delete it: done/],
    [
      'a half-written file',
      () => put('volumes/data/volume.json.999999999.0badcafe.new', '{'),
      /half-written$/,
      /delete it: done/,
    ],
    [
      'an upper without a record',
      () => put(`containers/${ID}/upper/work.txt`, 'hours of work'),
      /^containers\/cccccccccccc: it has no record$/,
      /move it to lost\+found\/, its upper with it: done/,
    ],
    [
      'a record that cannot be read',
      () => put(`containers/${ID}/container.json`, '{"id":'),
      /^containers\/cccccccccccc: its record cannot be read: it is no JSON$/,
      /move it to lost\+found\//,
    ],
    [
      'a container whose layer is gone',
      () => container({ layers: [HEX] }),
      /^container 'app' \(cccccccccccc\): 1 of its layers are gone$/,
      /move it to lost\+found\//,
    ],
    [
      'a container whose volume is gone',
      () => container({ mounts: [{ origin: 'volume', request: { type: 'volume', source: 'gone' } }] }),
      /^container 'app' \(cccccccccccc\): its volume 'gone' is gone$/,
      /make an empty one: done/,
    ],
    [
      'a volume without a record and with files',
      () => put('volumes/data/_data/f', 'x'),
      /^volumes\/data has no record$/,
      /write one: it has files: done/,
    ],
    [
      'an empty directory among the volumes',
      () => mkdirSync(at('volumes/empty/_data'), { recursive: true }),
      /^volumes\/empty has no record$/,
      /delete it: it is empty: done/,
    ],
    [
      'a volume without _data',
      () =>
        put('volumes/data/volume.json', { name: 'data', labels: { a: 'b' }, options: {}, driver: 'local' }),
      /^volume 'data': its directory _data is gone$/,
      /make an empty one: done/,
    ],
    [
      'a volume whose record cannot be read',
      () => put('volumes/data/volume.json', ''),
      /^volume 'data': its record cannot be read: it is no JSON$/,
      /move it to lost\+found\/: done/,
    ],
    [
      'a volume that was being filled',
      () => {
        put('volumes/data/volume.json', { name: 'data', labels: {}, options: {}, driver: 'local' });
        put('volumes/data/_data/half', 'x');
        put('volumes/data/filling', '');
      },
      /^volume 'data': filling it was cut off$/,
      /empty it: done/,
    ],
    [
      'an image whose blob is gone',
      () =>
        put('images/index.json', {
          schemaVersion: 2,
          manifests: [
            {
              digest: `sha256:${HEX}`,
              size: 1,
              mediaType: 'x',
              annotations: { 'org.opencontainers.image.ref.name': 'app:1' },
            },
          ],
        }),
      /^image 'app:1': the blob sha256:dddddddddddd is gone$/,
      /take it from the list; import or pull it again: done/,
    ],
    [
      'a layer that is not whole',
      () => mkdirSync(at('layers', HEX), { recursive: true }),
      /^layers\/dddddddddddd is not whole$/,
      /move it to lost\+found\//,
    ],
  ];

  it.each(cases)('finds and mends %s', (_, breakIt, detail, done) => {
    breakIt();
    const details = found().filter((one) => !/^volumes\/data has no record$/.test(one) || detail.test(one));
    expect(details).toHaveLength(1);
    expect(details[0]).toMatch(detail);
    expect(fix()).toMatch(done);
    expect(bench.plyfs('volume', 'create', '--root', 'state', 'works').code).toBe(0);
  });

  it('deletes no file that may be worth something', () => {
    put(`containers/${ID}/upper/work.txt`, 'hours of work');
    put('volumes/data/_data/f', 'kept');
    fix();
    expect(readFileSync(at('volumes/data/_data/f'), 'utf8')).toBe('kept');
    const [lost = ''] = readdirSync(at('lost+found'));
    expect(readFileSync(at('lost+found', lost, 'upper/work.txt'), 'utf8')).toBe('hours of work');
  });

  it('unmounts what killed daemons left: the mount itself, and the storage of its volume', async () => {
    bench.env.PLYFS_KEEPER = 'off';
    const options = ['--opt', 'type=tmpfs', '--opt', 'device=tmpfs'];
    expect(bench.plyfs('volume', 'create', '--root', 'state', ...options, 'data').code).toBe(0);
    expect(bench.plyfs('mount', '-l', 'l1', '--root', 'state', '-v', 'data:/x', 'm').code).toBe(0);
    expect(found()).toEqual([]);
    const pid = bench.pid();
    process.kill(pid, 'SIGKILL');
    await until(() => isGone(pid));
    // Asked before, so that the list's own cleaning does not hide it.
    expect(bench.listed('{{.Status}}')).toEqual(['/m no daemon']);
    expect(found()).toEqual([
      `the daemon of the mount at '${bench.root}/m' is gone`,
      "volume 'data': its storage is mounted, and nobody uses it",
    ]);
    expect(fix().trim().split('\n')).toHaveLength(2);
    expect(bench.mounted()).toEqual([]);
    expect(bench.listed('')).toEqual([]);
    expect(
      existsSync(join(bench.runDirectory, 'mounts')) ? readdirSync(join(bench.runDirectory, 'mounts')) : [],
    ).toEqual([]);
  });

  it('leaves a mount alone that another run directory serves', () => {
    container();
    const merged = at('containers', ID, 'merged');
    expect(bench.plyfs('mount', '-l', 'l1', merged).code).toBe(0);
    const env = { PLYFS_RUN_DIR: join(bench.root, 'other') };
    const other = bench.run(
      'env',
      ...Object.entries(env).map((pair) => pair.join('=')),
      process.execPath,
      cliScript,
      'doctor',
      '--fix',
      '--root',
      'state',
    );
    expect(other.stderr).not.toContain('the daemon of the mount');
    expect(bench.listed('{{.Status}}')).toEqual([`${merged.slice(bench.root.length)} up`]);
    expect(bench.plyfs('umount', merged).code).toBe(0);
  });

  it('says which thing it could not mend, and ends with 1', () => {
    put('trash/old/f', 'x');
    expect(bench.run('chattr', '+i', at('trash/old/f')).code).toBe(0);
    try {
      const { code, stderr } = bench.plyfs('doctor', '--fix', '--root', 'state');
      expect(code).toBe(1);
      expect(stderr).toMatch(/trash\/old was not deleted: delete it: failed: .*operation not permitted/);
      expect(found()).toEqual(['trash/old was not deleted']);
    } finally {
      bench.run('chattr', '-i', at('trash/old/f'));
    }
    chmodSync(at('trash/old'), 0o700);
    fix();
  });
});
