/** Snapshots and forks of containers, as their users see them, and killed after each of their steps. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { commitContainer } from '../../../src/container/changes/commit-container.js';
import { diffContainer } from '../../../src/container/changes/diff-container.js';
import { openContainerTree } from '../../../src/container/changes/export-container.js';
import { removeContainer } from '../../../src/container/end/remove-container.js';
import { createContainer } from '../../../src/container/make/create-container.js';
import { resolveContainer } from '../../../src/container/record/find.js';
import { forkContainer } from '../../../src/container/snapshot/fork-container.js';
import {
  createSnapshot,
  openSnapshot,
  removeSnapshot,
  restoreSnapshot,
} from '../../../src/container/snapshot/snapshots.js';
import { compareTrees } from '../../../src/image/contents/compare-trees.js';
import { openMirrorView } from '../../../src/mounts/mirror/open-mirror-view.js';
import type { ContainerRecord } from '../../../src/store/container-record.js';
import { nameFromText } from '../../../src/vfs/name.js';
import { KILL_STRIDE } from '../../helpers/kill-stride.js';
import { cliScript, until, untilIs } from '../plyfs-run.js';
import { ContainerBench } from './bench.js';

let bench: ContainerBench;
let imageLayers: readonly string[];
beforeAll(() => {
  bench = new ContainerBench();
  bench.addImages();
  imageLayers = bench.store.names('layers');
});
afterAll(() => bench.dispose());

const record = (name: string): ContainerRecord => resolveContainer(bench.store, name);

async function create(name: string): Promise<void> {
  await createContainer(bench.store, { image: 'box', name });
}

/** Runs a script in the container's tree, and copies what that is then. @returns the copy. */
function change(name: string, script: string): string {
  const path = bench.get('container', 'mount', name);
  const copy = `${bench.root}/copy${copies++}`;
  const { code, stderr } = bench.run('sh', '-c', `cd ${path} && ${script} && cp -a . ${copy}`);
  expect([code, stderr]).toEqual([0, '']);
  bench.get('container', 'umount', name);
  return copy;
}
let copies = 0;

function differences(name: string, copy: string): string[] {
  using tree = openContainerTree(bench.store, record(name));
  const reference = openMirrorView(nameFromText(copy));
  const found = compareTrees(reference, tree.fs, { ignoresTimes: false });
  reference.detach();
  return found.map(({ kind, path, aspects }) => `${kind} ${path} ${aspects.join()}`);
}

/** The layers of the store that the image does not have. */
const ownLayers = () => readdirSync(bench.store.path('layers')).filter((hex) => !imageLayers.includes(hex));

/** The daemon of a mount that has just ended may hold its layers a moment longer; then the next prune takes them. */
async function noOwnLayers(): Promise<void> {
  await until(() => {
    if (ownLayers().length > 0) bench.get('image', 'prune', '-f');
    return ownLayers().length === 0;
  }, 60_000);
}

async function removeAll(): Promise<void> {
  for (const id of bench.store.names('containers')) await removeContainer(bench.store, record(id));
}

describe('snapshots', { timeout: 240_000 }, () => {
  afterEach(removeAll);

  test('each state comes back as it was, and forks go ways of their own', async () => {
    await create('web');
    const steps = [
      'echo one > new; rm full/one; mkdir -p a/b; chmod 700 etc',
      'mv full moved; echo two >> etc/issue; ln new hard; setfattr -n user.note -v x new',
      'rm -r a; mkdir a; echo three > a/c; chmod 751 .; mv moved/two .; chmod 640 two; echo 3 >> hard',
      'mv moved again; rm etc/issue; echo new > etc/issue; rm -r again; mkdir full; ln -s x full/link',
    ];
    const copies: string[] = [];
    for (const [at, script] of steps.entries()) {
      copies.push(change('web', script));
      await createSnapshot(bench.store, record('web'), { name: `state${at}` });
      expect(differences('web', copies[at]!)).toEqual([]);
    }
    await createSnapshot(bench.store, record('web'), { name: 'same' });
    expect(bench.get('snapshot', 'ls', '--format', '{{.Name}} {{.Layers}}', 'web').split('\n')).toEqual([
      'state0 1',
      'state1 2',
      'state2 3',
      'state3 4',
      'same 4',
    ]);
    await removeSnapshot(bench.store, record('web'), 'same');
    await forkContainer(bench.store, record('web'), { name: 'second', snapshot: 'state1' });
    change('web', 'rm -rf full; echo lost > lost');
    for (const at of [1, 3, 0, 2]) {
      await restoreSnapshot(bench.store, record('web'), `state${at}`);
      expect(differences('web', copies[at]!)).toEqual([]);
    }
    expect(differences('second', copies[1]!)).toEqual([]);
    const forked = change('second', 'echo mine > own');
    await restoreSnapshot(bench.store, record('web'), 'state3');
    for (const at of [0, 2]) await removeSnapshot(bench.store, record('web'), `state${at}`);
    expect(differences('web', copies[3]!)).toEqual([]);
    await removeContainer(bench.store, record('web'));
    expect(differences('second', forked)).toEqual([]);
    await removeContainer(bench.store, record('second'));
    await noOwnLayers();
  });

  test('a hard link of a layer that is written by one name is one file in each state', async () => {
    await create('linked');
    change('linked', 'echo 1 > x; ln x y; ln x z');
    await createSnapshot(bench.store, record('linked'), { name: 'first' });
    change('linked', 'echo 2 > y');
    await createSnapshot(bench.store, record('linked'), { name: 'second' });
    const content = 'test "$(cat x y z)" = "$(echo 2; echo 2; echo 2)"; test $(stat -c %h z) = 3';
    const copy = change('linked', `${content}; rm y; echo 3 > z`);
    await forkContainer(bench.store, record('linked'), { name: 'other' });
    expect(differences('other', copy)).toEqual([]);
    using before = openSnapshot(bench.store, record('linked'), 'first');
    using after = openSnapshot(bench.store, record('linked'), 'second');
    const changed = compareTrees(before.fs, after.fs, { ignoresTimes: true });
    expect(changed.map(({ kind, path }) => `${kind} ${path}`)).toEqual(['C x', 'C y', 'C z']);
  });

  test('commit and diff tell all that was changed since the image', async () => {
    await create('work');
    change('work', 'echo one > one; rm -r full; mkdir full; echo x > full/x');
    await createSnapshot(bench.store, record('work'), { name: 'before' });
    change('work', 'echo two > two; rm one; mv full other; mkdir full');
    const found = diffContainer(bench.store, record('work')).map(({ kind, path }) => `${kind} ${path}`);
    expect(found).toEqual(['C /full', 'D /full/one', 'D /full/two', 'A /other', 'A /other/x', 'A /two']);
    await commitContainer(bench.store, record('work'), { name: 'made', pause: false });
    expect(bench.get('image', 'diff', '--semantic', 'made', 'container:work')).toBe('');
    await removeAll();
    bench.get('image', 'rm', 'made');
    await noOwnLayers();
  });

  test('an export has the layers of the image and of each state', async () => {
    mkdirSync(`${bench.root}/root/d`, { recursive: true });
    writeFileSync(`${bench.root}/root/d/old`, 'old');
    bench.run('tar', '-cf', `${bench.root}/root.tar`, '-C', `${bench.root}/root`, '.');
    bench.get('image', 'import', `${bench.root}/root.tar`, 'whole');
    await createContainer(bench.store, { image: 'whole', name: 'real', command: ['none'] });
    change('real', 'echo one > one; rm d/old');
    await createSnapshot(bench.store, record('real'), { name: 'first' });
    change('real', 'echo two > one; mkdir e');
    await createSnapshot(bench.store, record('real'), { name: 'second' });
    const before = readdirSync(bench.store.path('images/blobs/sha256')).sort();
    bench.get('snapshot', 'export', '-o', `${bench.root}/state.tar`, 'real', 'second');
    expect(readdirSync(bench.store.path('images/blobs/sha256')).sort()).toEqual(before);
    bench.get('image', 'load', '-q', '-i', `${bench.root}/state.tar`);
    const [loaded = ''] = bench.get('images', '-q', '--filter', 'dangling=true').split('\n');
    expect(JSON.parse(bench.get('image', 'inspect', loaded))[0].RootFS.Layers).toHaveLength(3);
    expect(bench.get('image', 'diff', '--semantic', `image:${loaded}`, 'container:real')).toBe('');
    await removeAll();
    bench.get('image', 'rm', loaded, 'whole');
    await noOwnLayers();
  });

  test('of one that is in use: what is open goes on, and the state stays what it was', async () => {
    await create('used');
    const path = bench.get('container', 'mount', 'used');
    bench.run('sh', '-c', `echo 1 > ${path}/linked; ln ${path}/linked ${path}/other`);
    const snapshot = (name: string) =>
      `"$NODE" "$CLI" snapshot create --root ${bench.store.root} used ${name}`;
    bench.env.NODE = process.execPath;
    bench.env.CLI = cliScript;
    const script = [
      `cd ${path}; exec 7>>log 8<log; echo one >&7; echo before > closed; chmod 600 etc/issue`,
      snapshot('first'),
      'echo two >&7; echo after > closed; echo 2 > other; mv full moved; rm etc/issue; cat <&8',
      snapshot('second'),
      'echo three >&7; cat <&8; cat linked; ls moved; cat log',
    ];
    const { code, stdout, stderr } = bench.run('sh', '-ec', script.join('\n'));
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout.split('\n')).toEqual([
      'first',
      'one',
      'two',
      'second',
      'three',
      '2',
      'one',
      'two',
      'one',
      'two',
      'three',
      '',
    ]);
    const copy = `${bench.root}/copy${copies++}`;
    bench.run('cp', '-a', path, copy);
    bench.get('container', 'umount', 'used');
    expect(differences('used', copy)).toEqual([]);
    const diff = bench.get('snapshot', 'diff', '--semantic', 'used', 'first', 'second').split('\n');
    expect(diff.map((line) => line.replace(/ {2}.*/, ''))).toEqual([
      'C /closed',
      'D /etc/issue',
      'C /linked',
      'C /log',
      'R /full -> /moved',
      'C /other',
    ]);
    using first = openSnapshot(bench.store, record('used'), 'first');
    expect(first.resolve('/log').type).toBe('file');
    expect(bench.get('snapshot', 'diff', '--semantic', 'used', 'second')).toMatch(
      /^C \/log {2}content \(8B -> 14B\)$/,
    );
  });

  test('what is written through a map of a file that nobody has open is not in the snapshot', async () => {
    await create('mapped');
    const path = bench.get('container', 'mount', 'mapped');
    const script = `
import mmap, os, subprocess, sys
fd = os.open('${path}/file', os.O_RDWR | os.O_CREAT)
os.write(fd, b'A' * 4096)
view = mmap.mmap(fd, 4096)
os.close(fd)
order = ['snapshot', 'create', '--root', '${bench.store.root}', 'mapped', 'now']
subprocess.run(['${process.execPath}', '${cliScript}', *order], check=True, stdout=subprocess.DEVNULL)
view[0:5] = b'later'
print(open('${path}/file').read(6))`;
    const { stdout, stderr } = bench.run('python3', '-c', script);
    expect([stdout, stderr]).toEqual(['laterA\n', '']);
    bench.get('container', 'umount', 'mapped');
    const [hex = ''] = record('mapped').snapshots?.[0]?.layers ?? [];
    const { id } = record('mapped');
    const start = (...at: string[]) => readFileSync(bench.store.path(...at, 'file'), 'latin1').slice(0, 6);
    expect(start('layers', hex, 'tree')).toBe('AAAAAA');
    expect(start('containers', id, 'upper')).toBe('laterA');
  });

  test('what cannot be is refused in a line', async () => {
    await create('plain');
    bench.get('snapshot', 'create', 'plain', 'now');
    const refused = (...args: string[]) => {
      const { code, stderr } = bench.do(...args);
      expect(code).toBe(1);
      return stderr.trimEnd();
    };
    expect(refused('snapshot', 'create', 'plain', 'now')).toContain(
      "container 'plain' has a snapshot 'now' already",
    );
    expect(refused('snapshot', 'create', 'plain', '../x')).toContain("invalid snapshot name '../x'");
    expect(refused('snapshot', 'create', 'none', 'x')).toContain(
      "no such container, volume, draft or mount point: 'none'",
    );
    expect(refused('snapshot', 'restore', 'plain', 'x')).toContain(
      "no such snapshot of container 'plain': 'x'",
    );
    expect(refused('fork', 'plain', 'plain')).toContain("the container name 'plain' is already in use");
    bench.get('container', 'mount', 'plain');
    expect(refused('snapshot', 'restore', 'plain', 'now')).toContain(
      "cannot restore container 'plain': it is mounted",
    );
    bench.get('container', 'umount', 'plain');
  });
});

const LIMIT = 60;

/** Runs the command killed at one step after the other until it gets through. @returns how many steps it has. */
async function killAtEachStep(
  setUp: () => Promise<void>,
  args: readonly string[],
  look: () => void,
): Promise<number> {
  for (let step = 1; step < LIMIT; step += KILL_STRIDE) {
    await setUp();
    const words = [cliScript, ...args, '--root', bench.store.root];
    const { signal, status, stderr } = spawnSync(process.execPath, words, {
      env: { ...bench.env, PLYFS_TEST_KILL_AFTER: String(step) },
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect([signal ?? status, stderr]).toEqual([signal === null ? 0 : 'SIGKILL', '']);
    await untilIs(() => bench.mounted().length, 0);
    // As any command that takes the lock.
    bench.store.locked(() => undefined);
    for (const folder of ['pending', 'trash']) expect(readdirSync(bench.store.path(folder))).toEqual([]);
    expect(readdirSync(bench.store.path('containers'))).toEqual(bench.store.names('containers'));
    look();
    await removeAll();
    expect(ownLayers()).toEqual([]);
    if (signal === null) return step - 1;
  }
  throw new Error(`more than ${LIMIT} steps`);
}

describe('killed after each step', { timeout: 400_000 }, () => {
  const upperOf = (name: string) => bench.store.path('containers', record(name).id, 'upper');
  const setUp = async () => {
    await create('cc');
    mkdirSync(`${upperOf('cc')}/made`);
    writeFileSync(`${upperOf('cc')}/made/note`, 'kept');
  };
  const changes = (name: string) =>
    diffContainer(bench.store, record(name))
      .map(({ path }) => path)
      .join();
  const names = () => (record('cc').snapshots ?? []).map(({ name }) => name).join();

  test('snapshot create: it is there, or it is not', async () => {
    const seen = new Set<string>();
    const steps = await killAtEachStep(setUp, ['snapshot', 'create', 'cc', 'now'], () => {
      expect(changes('cc')).toBe('/made,/made/note');
      expect(ownLayers()).toHaveLength(names() === '' ? 0 : 1);
      seen.add(names());
    });
    expect([...seen].sort()).toEqual(['', 'now']);
    expect(steps).toBeGreaterThan(8);
  });

  test('snapshot create, of which the daemon is killed: nothing of what was written is lost', async () => {
    const seen = new Set<string>();
    for (let step = 1; ; step += KILL_STRIDE) {
      await create('cc');
      const alone = { PLYFS_DAEMON: 'own', PLYFS_KEEPER: 'off', PLYFS_TEST_KILL_AFTER: String(step) };
      const env = { ...bench.env, ...alone };
      const run = (...words: string[]) =>
        spawnSync(process.execPath, [cliScript, ...words, '--root', bench.store.root], {
          env,
          encoding: 'utf8',
        });
      expect(run('container', 'mount', 'cc').status).toBe(0);
      bench.run(
        'sh',
        '-c',
        `mkdir ${upperOf('cc')}/../merged/made; echo kept > ${upperOf('cc')}/../merged/made/note`,
      );
      const { stdout } = bench.do('snapshot', 'create', 'cc', 'now');
      bench.do('container', 'umount', 'cc');
      bench.store.locked(() => undefined);
      for (const folder of ['pending', 'trash']) expect(readdirSync(bench.store.path(folder))).toEqual([]);
      expect(changes('cc')).toBe('/made,/made/note');
      expect(ownLayers()).toHaveLength(names() === '' ? 0 : 1);
      if (stdout === '') seen.add(names());
      await removeAll();
      await noOwnLayers();
      if (stdout !== '') break;
      expect(step).toBeLessThan(LIMIT);
    }
    expect([...seen].sort()).toEqual(['', 'now']);
  });

  test('snapshot restore: the container is what it was, or what it is', async () => {
    const seen = new Set<string>();
    const changed = async () => {
      await setUp();
      await createSnapshot(bench.store, record('cc'), { name: 'now' });
      writeFileSync(`${upperOf('cc')}/later`, '');
    };
    const steps = await killAtEachStep(changed, ['snapshot', 'restore', 'cc', 'now'], () => {
      expect(names()).toBe('now');
      seen.add(changes('cc'));
    });
    expect([...seen].sort()).toEqual(['/later,/made,/made/note', '/made,/made/note']);
    expect(steps).toBeGreaterThan(8);
  });

  test('fork: the second is there, or it is not', async () => {
    const seen = new Set<number>();
    await killAtEachStep(setUp, ['fork', 'cc', 'two'], () => {
      const count = bench.store.names('containers').length;
      seen.add(count);
      for (const name of count === 2 ? ['cc', 'two'] : ['cc']) expect(changes(name)).toBe('/made,/made/note');
    });
    expect([...seen].sort()).toEqual([1, 2]);
  });
});
