/**
 * Making containers without a mount: precedence of mounts, what is recorded, every error text, and that a refused one
 * leaves nothing.
 */

import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { removeContainer } from '../../../src/container/end/remove-container.js';
import {
  type ContainerOptions,
  createContainer,
  createPending,
} from '../../../src/container/make/create-container.js';
import { renameContainer } from '../../../src/container/make/rename-container.js';
import { findContainer, resolveContainer } from '../../../src/container/record/find.js';
import { type ContainerRecord, listContainers, writeContainer } from '../../../src/store/container-record.js';
import { deleteTree } from '../../../src/store/delete-tree.js';
import { Store } from '../../../src/store/store.js';
import { ANONYMOUS_LABEL, listVolumes, readVolume } from '../../../src/store/volume-record.js';
import { addImage } from '../../helpers/images.js';

let root: string;
let store: Store;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'plyfs-container-'));
  vi.stubEnv('PLYFS_RUN_DIR', join(root, 'run'));
  store = new Store(join(root, 'store'));
  const config = {
    Env: ['PATH=/bin', 'FROM=image'],
    Cmd: ['serve', '--all'],
    Entrypoint: ['/entry'],
    User: 'app',
    WorkingDir: '/srv',
    Labels: { tier: 'web', from: 'image' },
    StopSignal: 'SIGINT',
  };
  addImage(store.root, { name: 'plain:latest', config }, [fill]);
  addImage(store.root, { name: 'bare:latest' }, [fill]);
  // Volumes over nothing, so that none has to be filled.
  addImage(store.root, { name: 'vol:latest', config: { Volumes: { '/data': {}, '/link/log': {} } } }, [fill]);
  addImage(store.root, { name: 'overfile:latest', config: { Volumes: { '/etc/passwd': {} } } }, [fill]);
  addImage(store.root, { name: 'win:latest', os: 'windows' }, [fill]);
});

afterEach(() => {
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

/** `TARGET TYPE SOURCE MODE` of each mount; anonymous volumes as `*`. */
function mountsOf(record: ContainerRecord): string[] {
  return record.mounts.map(({ request: { target, type, source, readOnly } }) => {
    const isAnonymous =
      type === 'volume' && Object.hasOwn(readVolume(store, source ?? '')?.labels ?? {}, ANONYMOUS_LABEL);
    return `${target} ${type} ${isAnonymous ? '*' : source} ${readOnly ? 'ro' : 'rw'}`;
  });
}

describe('createContainer()', () => {
  test('takes over what the image says', async () => {
    const { process: recorded, labels } = await create({ image: 'plain', labels: ['from=me', 'bare'] });
    expect(recorded).toEqual({
      entrypoint: ['/entry'],
      command: ['serve', '--all'],
      environment: ['PATH=/bin', 'FROM=image'],
      workingDirectory: '/srv',
      user: 'app',
      tty: false,
      interactive: false,
      endsInputWithClient: true,
      stopSignal: 'SIGINT',
    });
    expect(labels).toEqual({ tier: 'web', from: 'me', bare: '' });
  });

  test.each([
    [{ command: ['one'] }, ['/entry'], ['one']],
    [{ entrypoint: '/mine' }, ['/mine'], []],
    [{ entrypoint: '/mine', command: ['one'] }, ['/mine'], ['one']],
    [{ entrypoint: '', command: ['one', 'two'] }, [], ['one', 'two']],
  ])('%j: entrypoint %j, command %j', async (options, entrypoint, command) => {
    const { process: recorded } = await create({ image: 'plain', ...options });
    expect(recorded).toMatchObject({ entrypoint, command });
  });

  test('gives a name of two words, and the id as host name', async () => {
    const record = await create({});
    expect(record.name).toMatch(/^[a-z]+_[a-z]+$/);
    expect(record.id).toMatch(/^[0-9a-f]{64}$/);
    expect(record.hostname).toBe(record.id.slice(0, 12));
  });

  test('VOLUME makes an anonymous volume at each path, which remembers what it was made for', async () => {
    const record = await create({ image: 'vol' });
    expect(mountsOf(record)).toEqual(['/data volume * rw', '/link/log volume * rw']);
    expect(listVolumes(store).map(({ madeFor }) => madeFor)).toEqual(
      expect.arrayContaining([{ container: record.id, image: 'vol', path: '/data' }]),
    );
  });

  test('--no-image-volumes makes none', async () => {
    expect(mountsOf(await create({ image: 'vol', imageVolumes: false }))).toEqual([]);
    expect(listVolumes(store)).toEqual([]);
  });

  test('-v on the path of a VOLUME wins, and no anonymous volume is made', async () => {
    const record = await create({ image: 'vol', volumes: ['app:/data', 'logs:/link/log'] });
    expect(mountsOf(record)).toEqual(['/data volume app rw', '/link/log volume logs rw']);
    expect(listVolumes(store).map(({ name }) => name)).toEqual(['app', 'logs']);
  });

  test('the stronger wins: VOLUME, --volumes-from in order, -v, --mount', async () => {
    const first = await create({ volumes: ['one:/data', 'one-b:/b', 'one-c:/c', 'one-d:/d'] });
    await create({ name: 'second', volumes: ['two-b:/b', 'two-c:/c', 'two-d:/d'] });
    const record = await create({
      image: 'vol',
      volumesFrom: [first.id.slice(0, 8), 'second'],
      volumes: ['v-c:/c', 'v-d:/d'],
      mounts: ['type=volume,src=m-d,dst=/d'],
    });
    expect(mountsOf(record)).toEqual([
      '/data volume one rw',
      '/b volume two-b rw',
      '/c volume v-c rw',
      '/d volume m-d rw',
      '/link/log volume * rw',
    ]);
  });

  test('--volumes-from takes binds too, and :ro makes all read-only; :rw leaves what is', async () => {
    await create({ name: 'giver', volumes: [`${root}:/bind:ro`, 'app:/data'], tmpfs: ['/tmp'] });
    expect(mountsOf(await create({ volumesFrom: ['giver:ro'] }))).toEqual([
      `/bind bind ${root} ro`,
      '/data volume app ro',
      '/tmp tmpfs undefined ro',
    ]);
    expect(mountsOf(await create({ volumesFrom: ['giver:rw'] }))).toEqual([
      `/bind bind ${root} ro`,
      '/data volume app rw',
      '/tmp tmpfs undefined rw',
    ]);
  });

  test('references of --volumes-from outlive the container they came from', async () => {
    const giver = await create({ image: 'vol' });
    const taker = await create({ volumesFrom: [giver.id] });
    await removeContainer(store, giver, { volumes: true });
    expect(listVolumes(store)).toHaveLength(2);
    await removeContainer(store, taker, { volumes: true });
    expect(listVolumes(store)).toEqual([]);
  });

  test.each<[string, Partial<ContainerOptions>, string]>([
    ['an unknown image', { image: 'none' }, "no such image: 'none'"],
    [
      'a name that is none',
      { name: '-x' },
      "invalid container name '-x': only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
    ],
    ['a target twice in -v', { volumes: ['a1:/x', 'b1:/x'] }, 'Duplicate mount point: /x'],
    ['a target twice in --mount', { mounts: ['dst=/x', 'dst=/x/'] }, 'Duplicate mount point: /x'],
    ['-v and --tmpfs on one target', { volumes: ['a1:/x'], tmpfs: ['/x'] }, 'Duplicate mount point: /x'],
    ['--mount and --tmpfs on one target', { mounts: ['dst=/x'], tmpfs: ['/x'] }, 'Duplicate mount point: /x'],
    ['a missing bind source', { volumes: ['/no/where:/x'] }, 'bind source path does not exist: /no/where'],
    [
      'a VOLUME over a file',
      { image: 'overfile' },
      'cannot mount volume over existing file, file exists /etc/passwd',
    ],
    ['--volumes-from nothing', { volumesFrom: [''] }, 'volumes-from specification cannot be an empty string'],
    ['--volumes-from an unknown one', { volumesFrom: ['none'] }, "no such container: 'none'"],
    [
      '--volumes-from with a mode',
      { volumesFrom: ['x:frob'] },
      "invalid volumes-from specification: 'x:frob': invalid mode: frob",
    ],
    [
      'a relative working directory',
      { workingDirectory: 'srv' },
      "the working directory 'srv' is invalid, it needs to be an absolute path",
    ],
    ['a signal that is none', { stopSignal: 'NO' }, "invalid signal: 'NO'"],
    ['a variable without a name', { environment: ['=x'] }, "invalid environment variable: '=x'"],
    [
      'a file of variables that is not there',
      { environmentFiles: ['/no/env'] },
      "cannot read the environment file '/no/env'",
    ],
    ['a label without a key', { labels: ['=x'] }, "invalid label '=x'"],
    ['a host name that is none', { hostname: 'a b' }, "invalid hostname: 'a b'"],
    ['a wrong -v', { volumes: ['a:b:c:d'] }, "invalid volume specification: 'a:b:c:d'"],
    ['a volume driver', { mounts: ['dst=/x,volume-driver=nfs'] }, 'nfs'],
  ])('%s is refused and leaves nothing', async (_, options, message) => {
    await expect(create({ volumes: [], ...options })).rejects.toThrow(message);
    expect(store.names('containers')).toEqual([]);
    expect(readdirSync(store.path('containers'))).toEqual([]);
    expect(listVolumes(store)).toEqual([]);
    expect(readdirSync(store.path('pending'))).toEqual([]);
    expect(store.trash()).toEqual([]);
  });

  test('a name in use is refused with its holder', async () => {
    const { id } = await create({ name: 'web' });
    await expect(create({ name: 'web' })).rejects.toThrow(
      `conflict: the container name 'web' is already in use by container '${id.slice(0, 12)}'`,
    );
    expect(readdirSync(store.path('containers'))).toEqual([id]);
  });

  test('a single file is not bound into a windows container', async () => {
    const file = join(root, 'file');
    writeFileSync(file, '');
    await expect(create({ image: 'win', volumes: [`${file}:/x`] })).rejects.toThrow(
      'invalid mount config for type "bind": source path must be a directory',
    );
    expect(mountsOf(await create({ image: 'win', volumes: [`${root}:/x`] }))).toEqual([`/x bind ${root} rw`]);
  });

  test('variables: image, then files, then -e; a bare name is that of the host or takes it away', async () => {
    writeFileSync(join(root, 'env'), '# comment\n\nA=file\nB=file\nHOST_ONLY\n');
    process.env.HOST_ONLY = 'host';
    const record = await create({
      image: 'plain',
      environmentFiles: [join(root, 'env')],
      environment: ['B=option', 'FROM', 'C=x=y'],
    });
    delete process.env.HOST_ONLY;
    // Those that were given first, as Docker's inspect has them.
    expect(record.process.environment).toEqual([
      'A=file',
      'B=option',
      'HOST_ONLY=host',
      'C=x=y',
      'PATH=/bin',
    ]);
  });

  test('warns of what was accepted and does nothing', async () => {
    const { warnings } = await createContainer(store, { image: 'bare', volumes: ['app:/data:z'] });
    expect(warnings).toHaveLength(1);
  });

  test('a pending one goes with its unnamed volumes when its maker gives up, until it is committed', async () => {
    const pending = { image: 'vol', volumes: ['named:/mnt'] };
    await createPending(store, pending);
    expect([listContainers(store).length, listVolumes(store).length]).toEqual([1, 3]);
    store.abandon();
    expect([listContainers(store), listVolumes(store).map(({ name }) => name)]).toEqual([[], ['named']]);
    const { record, intent } = await createPending(store, pending);
    intent.end();
    store.abandon();
    expect(listContainers(store).map(({ id }) => id)).toEqual([record.id]);
  });
});

describe('resolveContainer()', () => {
  test('goes by id, name, beginning of an id; a name comes before a beginning', async () => {
    const record = await create({ name: 'web' });
    const other = await create({ name: record.id.slice(0, 6) });
    for (const text of [record.id, 'web', '/web', record.id.slice(0, 12)]) {
      expect(resolveContainer(store, text).id).toBe(record.id);
    }
    expect(resolveContainer(store, record.id.slice(0, 6)).id).toBe(other.id);
    expect(findContainer(store, '')).toBeUndefined();
  });

  test('a beginning of several is refused', async () => {
    const record = await create({});
    const twin = {
      ...record,
      id: `${record.id.slice(0, 63)}${record.id.endsWith('0') ? '1' : '0'}`,
      name: 'twin',
    };
    mkdirSync(store.path('containers', twin.id));
    writeContainer(store, twin);
    const text = record.id.slice(0, 10);
    expect(() => resolveContainer(store, text)).toThrow(
      `container id '${text}' is ambiguous: 2 containers begin so`,
    );
  });
});

describe('renameContainer()', () => {
  test('gives the new name, and refuses one that is taken or its own', async () => {
    const record = await create({ name: 'web' });
    const other = await create({ name: 'db' });
    expect(() => renameContainer(store, record, 'db')).toThrow(`by container '${other.id.slice(0, 12)}'`);
    expect(() => renameContainer(store, record, 'web')).toThrow('same name as its current name');
    expect(() => renameContainer(store, record, '?')).toThrow("invalid container name '?'");
    renameContainer(store, record, 'web2');
    expect(resolveContainer(store, 'web2').id).toBe(record.id);
  });
});
