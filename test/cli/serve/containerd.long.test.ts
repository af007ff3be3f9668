/** `plyfs serve containerd` under a real containerd: many layers, many containers, and what is left when a part is killed. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { LayoutBuilder } from '../../helpers/oci-layout.js';
import { distPath } from '../../helpers/project-paths.js';
import { tarBytes } from '../../helpers/tar-bytes.js';
import { until, untilIs, Workbench } from '../plyfs-run.js';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const LONG_MS = 120_000;
const LAYERS = 120;
const CONTAINERS = 20;
const ok = { code: 0, stderr: '' };
type StoreModule = typeof import('../../../src/serve/containerd/snapshot-store.js');
const REQUIRE = "const require = (await import('node:module')).createRequire('/');";

function fail(line: string): never {
  throw new Error(line);
}

const IMAGE = 'example.com/many:1';

let bench: Workbench;
let containerd: ChildProcess;
let snapshotter: ChildProcess;

beforeAll(async () => {
  bench = new Workbench('state', 'store');
  bench.env.PLYFS_ROOT = join(bench.root, 'store');
  bench.env.PLYFS_DAEMON_IDLE_MS = '1000';
  const at = (name: string) => JSON.stringify(join(bench.root, name));
  writeFileSync(
    join(bench.root, 'config.toml'),
    `version = 2\nroot = ${at('root')}\nstate = ${at('state')}\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]\naddress = ${at('c.sock')}
[proxy_plugins.plyfs]\ntype = "snapshot"\naddress = ${at('p.sock')}\n`,
  );
  writeFileSync(join(bench.root, 'many.tar'), manyLayers());
  await startSnapshotter();
  const log = openSync(join(bench.root, 'containerd.log'), 'a');
  containerd = spawn('containerd', ['-c', join(bench.root, 'config.toml')], { stdio: ['ignore', log, log] });
  await untilIs(() => ctr('version').code, 0, LONG_MS);
});

afterAll(async () => {
  for (const id of ctr('tasks', 'ls', '-q')
    .stdout.split('\n')
    .filter((one) => one !== ''))
    ctr('tasks', 'rm', '-f', id);
  for (const child of [containerd, snapshotter]) await end(child, 'SIGTERM');
  bench.dispose();
});

/** Each layer brings a file; every tenth removes that of the layer before, and one makes a directory of a file. */
function manyLayers(): Buffer {
  const busybox = readFileSync(bench.run('sh', '-c', 'command -v busybox').stdout.trim());
  const links = ['sh', 'cat', 'ls', 'sleep', 'mkdir', 'mv', 'rm'].map((name) => ({
    name: `bin/${name}`,
    type: '2',
    link: 'busybox',
  }));
  const root = tarBytes({ name: 'bin/busybox', mode: 0o755, content: busybox }, ...links);
  const rest = Array.from({ length: LAYERS - 1 }, (_, index) => {
    const hides = index % 10 === 9 ? [{ name: `files/.wh.${index - 1}`, content: '' }] : [];
    const turns = index === 50 ? [{ name: 'files/40/x', content: 'turned' }] : [];
    return tarBytes({ name: `files/${index}`, content: `layer ${index}` }, ...hides, ...turns);
  });
  const layout = new LayoutBuilder();
  return layout
    .name(layout.image([root, ...rest], { config: { config: { Cmd: ['/bin/sh'] } } }), IMAGE)
    .tar();
}

function ctr(...args: string[]) {
  return bench.run('ctr', '-a', join(bench.root, 'c.sock'), ...args);
}

function inTask(id: string, script: string) {
  return ctr('tasks', 'exec', '--exec-id', `e${Math.random()}`.replace('.', ''), id, '/bin/sh', '-c', script);
}

async function startSnapshotter(): Promise<void> {
  const log = openSync(join(bench.root, 'snapshotter.log'), 'a');
  snapshotter = spawn(
    process.execPath,
    [bench.cli, 'serve', 'containerd', '--socket', join(bench.root, 'p.sock')],
    {
      env: bench.env,
      stdio: ['ignore', log, log],
    },
  );
  const lines = () => readFileSync(join(bench.root, 'snapshotter.log'), 'utf8').split('listening').length;
  const before = lines();
  await until(() => lines() > before, LONG_MS);
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await gone;
}

/** containerd waits a while before it calls a server again that was gone. */
function answersAgain(): boolean {
  return ctr('snapshots', '--snapshotter', 'plyfs', 'ls').code === 0;
}

test(`${LAYERS} layers, ${CONTAINERS} containers, a killed snapshotter, and nothing left in the end`, async () => {
  expect(ctr('images', 'import', '--snapshotter', 'plyfs', 'many.tar')).toMatchObject(ok);
  const ids = Array.from({ length: CONTAINERS }, (_, index) => `c${index}`);
  const run = (id: string) => ctr('run', '-d', '--snapshotter', 'plyfs', IMAGE, id, '/bin/sleep', '9999');
  for (const id of ids.slice(1)) expect(run(id)).toMatchObject(ok);
  expect(
    inTask(
      'c1',
      'ls /files | busybox wc -l; cat /files/118 /files/40/x; mv /files/1 /files/one; echo mine > /files/2',
    ),
  ).toMatchObject({
    ...ok,
    stdout: `${LAYERS - 1 - 11}\nlayer 118turned`,
  });
  await end(snapshotter, 'SIGKILL');
  expect(inTask('c1', 'cat /files/one /files/2; ls /files/1 2>&1').stdout).toContain('layer 1mine\n');
  expect(inTask('c2', 'cat /files/1 /files/2; echo more > /more').stdout).toBe('layer 1layer 2');
  await startSnapshotter();
  await until(answersAgain, LONG_MS);
  expect(run('c0')).toMatchObject(ok);
  expect(inTask('c0', 'ls /more 2>&1').stdout).toContain('No such file');
  const changes = bench.run(
    'sh',
    '-c',
    `ctr -a c.sock snapshots --snapshotter plyfs diff c1 | tar tzf - | grep ^files | sort`,
  );
  expect(changes.stdout).toBe('files/\nfiles/.wh.1\nfiles/2\nfiles/one\n');
  for (const id of ids) {
    expect(ctr('tasks', 'rm', '-f', id).code).toBe(0);
    expect(ctr('containers', 'rm', id)).toMatchObject(ok);
  }
  expect(ctr('images', 'rm', '--sync', IMAGE).code).toBe(0);
  const left = () => readdirSync(join(bench.root, 'store/containerd'));
  await untilIs(() => left().length, 0, LONG_MS);
  await untilIs(() => bench.mounted().length, 0, LONG_MS);
});

/** Makes, commits, labels and removes snapshots, and tells after each. */
const STEPS = `
  const { SnapshotStore } = await import(process.argv[1]);
  const store = new SnapshotStore(process.argv[2], console.error);
  const say = (text) => require('node:fs').writeSync(1, text + '\\n');
  store.create({ kind: 'active', key: 'k', parent: 'base', labels: {} }); say('made');
  store.commit('k', { name: 'top', labels: { of: 'k' }, usage: { bytes: 1, inodes: 1 } }); say('committed');
  store.relabel('top', { of: 'top' }); say('labelled');
  store.remove('top'); say('removed');`;

test('a snapshot store that is killed after any step has the state before it, or after', async () => {
  const script = distPath('src/serve/containerd/snapshot-store.js');
  const { SnapshotStore } = (await import(script)) as StoreModule;
  const root = join(bench.root, 'steps');
  mkdirSync(root);
  new SnapshotStore(root, fail).create({ kind: 'active', key: 'b', parent: '', labels: {} });
  new SnapshotStore(root, fail).commit('b', { name: 'base', labels: {}, usage: { bytes: 1, inodes: 1 } });
  const states = ['base', 'base k', 'base top:k', 'base top:top', 'base'];
  let isThrough = false;
  for (let step = 1; !isThrough; step++) {
    const env = { ...bench.env, PLYFS_TEST_KILL_AFTER: String(step) };
    const args = ['--input-type=module', '-e', `${REQUIRE}${STEPS}`, script, root];
    const { stdout, signal } = spawnSync(process.execPath, args, { env, encoding: 'utf8', timeout: 60_000 });
    isThrough = signal === null;
    const said = stdout.split('\n').length - 1;
    const store = new SnapshotStore(root, fail);
    const shown = store
      .all()
      .map(({ name, labels }) => (labels.of === undefined ? name : `${name}:${labels.of}`));
    expect(states.slice(said, said + 2)).toContain(shown.sort().join(' '));
    for (const name of ['top', 'k']) if (store.all().some((one) => one.name === name)) store.remove(name);
    expect(new SnapshotStore(root, fail).all().map(({ name }) => name)).toEqual(['base']);
    expect(step).toBeLessThan(50);
  }
});

test('a signal ends it, and containerd goes on with the next', async () => {
  await end(snapshotter, 'SIGTERM');
  expect(snapshotter.exitCode).toBe(0);
  expect(readdirSync(bench.root)).not.toContain('p.sock');
  await startSnapshotter();
  await until(answersAgain, LONG_MS);
});
