/**
 * The contract of mounts, volumes and containers as tables: each error text whole, as the command prints it, and who
 * wins on one target, for each pair of options.
 */

import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { errorLine } from '../../../src/cli/print/output.js';
import { removeContainer } from '../../../src/container/end/remove-container.js';
import { type ContainerOptions, createContainer } from '../../../src/container/make/create-container.js';
import type { ContainerRecord } from '../../../src/store/container-record.js';
import { deleteTree } from '../../../src/store/delete-tree.js';
import { Store } from '../../../src/store/store.js';
import { listVolumes, readVolume } from '../../../src/store/volume-record.js';
import { createVolume, isAnonymous } from '../../../src/volume/create-volume.js';
import { removeVolume } from '../../../src/volume/remove-volume.js';
import { addImage } from '../../helpers/images.js';

let root: string;
let store: Store;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'plyfs-contract-'));
  vi.stubEnv('PLYFS_RUN_DIR', join(root, 'run'));
  store = new Store(join(root, 'store'));
  addImage(store.root, { name: 'bare:latest' }, [fill]);
  addImage(store.root, { name: 'vol:latest', config: { Volumes: { '/x': {} } } }, [fill]);
  addImage(store.root, { name: 'overfile:latest', config: { Volumes: { '/etc/passwd': {} } } }, [fill]);
  addImage(store.root, { name: 'win:latest', os: 'windows' }, [fill]);
  addImage(store.root, { name: 'mute:latest', config: { Cmd: [] } }, [fill]);
  for (const name of ['from-a', 'from-b']) await create({ name, volumes: [`${name}:/x`] });
});

afterAll(() => {
  vi.unstubAllEnvs();
  deleteTree(root);
});

function fill(directory: string): void {
  mkdirSync(`${directory}/etc`, { recursive: true });
  writeFileSync(`${directory}/etc/passwd`, '');
}

async function create(options: Partial<ContainerOptions>): Promise<ContainerRecord> {
  return (await createContainer(store, { image: 'bare', ...options })).record;
}

/** The line on standard error, without the command's name. */
async function lineOf(action: () => unknown): Promise<string> {
  try {
    await action();
  } catch (error) {
    return errorLine('x', error, { debug: false })
      .replace(/^plyfs x: /, '')
      .replace(/\n$/, '');
  }
  throw new Error('it went well');
}

const VOLUME = 'invalid mount config for type "volume": ';
const BIND = 'invalid mount config for type "bind": ';
const NAME_HINT = 'if you intended to pass a host directory, use an absolute path or one that starts with ./';

describe('-v', () => {
  test.each([
    ['a:b:c:d', "invalid volume specification: 'a:b:c:d'; write [SOURCE:]TARGET[:MODES]"],
    ['', "invalid volume specification: ''; write [SOURCE:]TARGET[:MODES]"],
    ['/x:ro', "invalid volume specification: '/x:ro'; write [SOURCE:]TARGET[:MODES]"],
    ['ab:/x:fast', "invalid volume specification: 'ab:/x:fast': invalid mode: fast"],
    ['ab:/x:ro,rw', "invalid volume specification: 'ab:/x:ro,rw': invalid mode: ro,rw"],
    ['ab:/x:z,Z', "invalid volume specification: 'ab:/x:z,Z': invalid mode: z,Z"],
    [
      '/etc:/x:shared,slave',
      "invalid volume specification: '/etc:/x:shared,slave': invalid mode: shared,slave",
    ],
    [
      '/etc:/x:cached,delegated',
      "invalid volume specification: '/etc:/x:cached,delegated': invalid mode: cached,delegated",
    ],
    [
      'ab:x',
      `invalid volume specification: 'ab:x': ${VOLUME}invalid mount path: 'x' mount path must be absolute`,
    ],
    [
      'ab:/',
      `invalid volume specification: 'ab:/': ${VOLUME}invalid specification: destination can't be '/'`,
    ],
    ['/', `invalid volume specification: '/': ${VOLUME}invalid specification: destination can't be '/'`],
    [
      'a/b:/x',
      `invalid volume specification: 'a/b:/x': ${VOLUME}"a/b" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed; ${NAME_HINT}`,
    ],
    [
      'a:/x',
      `invalid volume specification: 'a:/x': ${VOLUME}volume name is too short: 'a', names should be at least two alphanumeric characters`,
    ],
    [
      '/no/where:/x',
      `${BIND}bind source path does not exist: /no/where; create it, or add bind-create-src: --mount type=bind,src=/no/where,dst=/x,bind-create-src`,
    ],
  ])('%j', async (spec, line) => {
    expect(await lineOf(() => create({ volumes: [spec] }))).toBe(line);
  });
});

describe('--mount', () => {
  const flag = (spec: string) => `invalid argument "${spec}" for "--mount" flag: `;
  test.each([
    ['dst=/x,k=1', `${flag('dst=/x,k=1')}unknown option 'k' in 'k=1'`],
    ['X', `${flag('X')}invalid field 'X' must be a key=value pair`],
    ['src=,dst=/x', `${flag('src=,dst=/x')}invalid value for 'src': value is empty`],
    [
      'type=bind,src=/etc,dst=/x,volume-nocopy',
      `${flag('type=bind,src=/etc,dst=/x,volume-nocopy')}cannot mix 'volume-*' options with mount type 'bind'`,
    ],
    [
      'src=ab,dst=/x,bind-create-src',
      `${flag('src=ab,dst=/x,bind-create-src')}cannot mix 'bind-*' options with mount type 'volume'`,
    ],
    [
      'type=bind,src=/no/where,dst=/x,ro',
      `${BIND}bind source path does not exist: /no/where; create it, or add bind-create-src: --mount type=bind,src=/no/where,dst=/x,readonly,bind-create-src`,
    ],
    ['type=bind,src=/etc', `${BIND}field Target must not be empty`],
    ['type=bind,src=/etc,dst=x', `${BIND}invalid mount path: 'x' mount path must be absolute`],
    ['type=bind,src=/etc,dst=/', `${BIND}invalid specification: destination can't be '/'`],
    [
      'type=pipe,dst=/x',
      'invalid mount config for type "pipe": mount type unknown; it is bind, volume, tmpfs or image',
    ],
    ['type=image,src=none,dst=/x', "no such image: 'none'; 'plyfs image ls' shows those there are"],
    [
      'dst=/x,volume-driver=nfs',
      "no such volume driver: 'nfs'; there is 'local', which mounts what mount(8) can: --opt type= --opt device= --opt o=",
    ],
  ])('%j', async (spec, line) => {
    expect(await lineOf(() => create({ mounts: [spec] }))).toBe(line);
  });
});

describe('containers', () => {
  test.each<[string, Partial<ContainerOptions>, string]>([
    ['two -v', { volumes: ['ab:/x', '/x'] }, 'Duplicate mount point: /x'],
    ['two --mount', { mounts: ['dst=/x', 'src=ab,dst=/x/'] }, 'Duplicate mount point: /x'],
    ['-v and --tmpfs', { volumes: ['ab:/x'], tmpfs: ['/x'] }, 'Duplicate mount point: /x'],
    [
      'VOLUME over a file',
      { image: 'overfile' },
      'cannot mount volume over existing file, file exists /etc/passwd; use --no-image-volumes, or mount something there with -v',
    ],
    ['an unknown image', { image: 'none' }, "no such image: 'none'; 'plyfs image ls' shows those there are"],
    [
      'a name in use',
      { name: 'from-a' },
      "conflict: the container name 'from-a' is already in use by container 'ID'; remove or rename that container to be able to reuse the name",
    ],
    [
      'a name that cannot be',
      { name: '-' },
      "invalid container name '-': only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed; two characters at least",
    ],
    ['--volumes-from nothing', { volumesFrom: [''] }, 'volumes-from specification cannot be an empty string'],
    [
      '--volumes-from one there is not',
      { volumesFrom: ['none:ro'] },
      "no such container: 'none'; 'plyfs container ls -a' shows those there are",
    ],
    [
      '--volumes-from in a mode there is not',
      { volumesFrom: ['from-a:rx'] },
      "invalid volumes-from specification: 'from-a:rx': invalid mode: rx; it is 'ro' or 'rw'",
    ],
    [
      'a file in a windows container',
      { image: 'win', volumes: ['/etc/passwd:/x'] },
      `${BIND}source path must be a directory: '/etc/passwd' is mounted into a windows container; mount the directory that holds the file`,
    ],
    [
      'no command to run',
      { image: 'mute' },
      'no command specified; give one after the image, or an image with CMD',
    ],
  ])('%s', async (_, options, line) => {
    const before = readdirSync(store.path('containers'));
    const found = await lineOf(() => create(options));
    expect(found.replace(/'[0-9a-f]{12}'/, "'ID'")).toBe(line);
    expect(readdirSync(store.path('containers'))).toEqual(before);
  });
});

describe('volumes', () => {
  const nobody = () => [];

  test.each([
    ['a', "invalid volume name 'a': only [a-zA-Z0-9][a-zA-Z0-9_.-]+ is allowed (two characters at least)"],
    [
      '_ab',
      "invalid volume name '_ab': only [a-zA-Z0-9][a-zA-Z0-9_.-]+ is allowed (two characters at least)",
    ],
    [
      '/ab',
      "invalid volume name '/ab': only [a-zA-Z0-9][a-zA-Z0-9_.-]+ is allowed (two characters at least); a host directory is mounted with -v",
    ],
  ])('the name %j', async (name, line) => {
    expect(await lineOf(() => createVolume(store, { name }))).toBe(line);
  });

  test('unknown, in use, made with other options', async () => {
    expect(await lineOf(() => removeVolume(store, 'none', nobody))).toBe(
      "no such volume: 'none'; 'plyfs volume ls' shows those there are",
    );
    const { id } = await create({ volumes: ['used:/x'] });
    expect(await lineOf(() => removeVolume(store, 'used', nobody))).toBe(
      `cannot remove volume 'used': volume is in use - [${id}]; 'plyfs volume inspect' says by whom`,
    );
    expect(
      await lineOf(() => createVolume(store, { name: 'used', options: { type: 'tmpfs', device: 'tmpfs' } })),
    ).toBe("volume 'used' exists with other options: none; choose another name, or remove it first");
    expect(createVolume(store, { name: 'used' }).made).toBe(false);
  });

  test('an anonymous one has 64 hex digits and the label', () => {
    const { record } = createVolume(store, {});
    expect(record.name).toMatch(/^[0-9a-f]{64}$/);
    expect(record.labels).toEqual({ 'plyfs.volume.anonymous': '' });
    removeVolume(store, record.name, nobody);
  });
});

/** Weakest first: each is given with each stronger one on /x, and that one alone is there. */
const ASKS: readonly [string, Partial<ContainerOptions>, string][] = [
  ['VOLUME', { image: 'vol' }, 'anonymous'],
  ['--volumes-from the first', { volumesFrom: ['from-a'] }, 'from-a'],
  ['--volumes-from the second', { volumesFrom: ['from-b'] }, 'from-b'],
  ['-v', { volumes: ['by-v:/x'] }, 'by-v'],
  ['--mount', { mounts: ['type=volume,src=by-mount,dst=/x'] }, 'by-mount'],
];

describe('on one target', () => {
  const pairs = ASKS.flatMap((weak, index) => ASKS.slice(index + 1).map((strong) => [weak, strong] as const));

  test.each(
    pairs.map(([weak, strong]) => [weak[0], strong[0], weak[1], strong]),
  )('%s loses to %s', async (_weak, _strong, options, [, other, winner]) => {
    const volumesFrom = [...(options.volumesFrom ?? []), ...(other.volumesFrom ?? [])];
    const anonymous = listVolumes(store).filter(isAnonymous).length;
    const record = await create({ ...options, ...other, volumesFrom });
    expect(record.mounts.map(({ request }) => request.source)).toEqual([winner]);
    expect(listVolumes(store).filter(isAnonymous)).toHaveLength(anonymous);
    await removeContainer(store, record, { volumes: true });
  });

  test.each(ASKS.slice(0, 3))('--tmpfs wins over %s', async (_, options) => {
    const record = await create({ ...options, tmpfs: ['/x'] });
    expect(record.mounts.map(({ request }) => request.type)).toEqual(['tmpfs']);
    await removeContainer(store, record, { volumes: true });
  });

  test('alone, VOLUME makes an anonymous volume, which goes with rm -v, and stays with rm', async () => {
    const names: string[] = [];
    for (const volumes of [false, true]) {
      const record = await create({ image: 'vol' });
      const name = record.mounts[0]?.request.source ?? '';
      names.push(name);
      await removeContainer(store, record, { volumes });
      expect(readVolume(store, name) === undefined).toBe(volumes);
    }
    removeVolume(store, names[0] ?? '', () => []);
  });

  test('a chain of --volumes-from: ro stays, rw takes nothing back', async () => {
    await create({ name: 'first', volumes: ['chain:/x', '/etc:/bind:ro'] });
    await create({ name: 'second', volumesFrom: ['first:ro'] });
    const { mounts } = await create({ name: 'third', volumesFrom: ['second:rw'] });
    expect(mounts.map(({ request }) => `${request.target} ${request.source} ${request.readOnly}`)).toEqual([
      '/x chain true',
      '/bind /etc true',
    ]);
    expect(mounts.every(({ request }) => request.type !== 'volume' || request.noCopy)).toBe(true);
  });
});
