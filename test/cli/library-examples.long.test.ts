/** The examples of the page on the library run as they stand there; require() gives the same; wrong arguments are told before anything is done. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { afterAll, describe, expect, it } from 'vitest';
import { storeAt } from '../../src/library/store-at.js';
import { FakeRegistry } from '../helpers/fake-registry.js';
import { LayoutBuilder } from '../helpers/oci-layout.js';
import { distPath, projectRoot } from '../helpers/project-paths.js';
import { tarBytes } from '../helpers/tar-bytes.js';
import { Workbench } from './plyfs-run.js';

const bench = new Workbench('base/etc', 'changes', 'tree', 'root/bin', 'node_modules/plyfs', 'context');
afterAll(() => bench.dispose());
writeFileSync(join(bench.root, 'base/etc/motd'), '');
execFileSync('cp', ['/bin/busybox', join(bench.root, 'root/bin')]);
execFileSync('tar', ['-C', join(bench.root, 'root'), '-cf', join(bench.root, 'rootfs.tar'), '.']);
writeFileSync(
  join(bench.root, 'context/Dockerfile'),
  'FROM app\nARG GREETING\nCOPY greeting /etc/greeting\nRUN ["/bin/busybox", "sh", "-c", "/bin/busybox echo $GREETING"]\n',
);
writeFileSync(join(bench.root, 'context/greeting'), 'hello');
for (const name of ['package.json', 'node_modules'])
  symlinkSync(join(projectRoot, name), join(bench.root, 'node_modules/plyfs', name));
mkdirSync(join(bench.root, 'node_modules/plyfs/dist'));
symlinkSync(distPath('src'), join(bench.root, 'node_modules/plyfs/dist/src'));

const page = readFileSync(join(projectRoot, 'docs/guide/library.md'), 'utf8');
const [mounts = '', store = '', commands = '', builds = '', drafts = ''] = [
  ...page.matchAll(/```js\n(.*?)```/gs),
].map(([, text = '']) => text);

/** `await using` is newer than Node 20. */
function asNode20Has(text: string): string {
  return `${text.replace('await using tree', 'const tree')}${text.includes('await using') ? 'await tree.unmount();\n' : ''}`;
}

function run(name: string, text: string) {
  writeFileSync(join(bench.root, name), text);
  return bench.run(process.execPath, name);
}

describe('the examples', () => {
  it('of mounts', () => {
    expect(run('mounts.mjs', asNode20Has(mounts))).toEqual({
      code: 0,
      stdout: 'layer\ntrue\ntrue\n',
      stderr: '',
    });
    expect(bench.mounted()).toEqual([]);
  });

  it('of the store', () => {
    expect(run('store.mjs', store)).toEqual({
      code: 0,
      stdout: "0 [ { kind: 'A', path: '/made' } ]\nimage import\n",
      stderr: '',
    });
    expect(readdirSync(bench.root)).toContain('made');
  });

  it('of commands', () => {
    expect(run('commands.mjs', commands)).toEqual({
      code: 0,
      stdout: '0 5\n1 ls: /none: No such file or directory\ntrue\n',
      stderr: '',
    });
    expect(bench.mounted()).toEqual([]);
  });

  it('of drafts, snapshots and forks', () => {
    mkdirSync(join(bench.root, 'project'));
    expect(run('drafts.mjs', drafts)).toEqual({
      code: 0,
      stdout:
        "0 [ 'added .bashrc shell start,hidden', 'added hello ' ]\ntrue ERR_NOT_PERMITTED [ 'hooks' ]\n2 true\n1 true\n",
      stderr: '',
    });
    expect(readdirSync(join(bench.root, 'project'))).toEqual([]);
  });

  it('of builds', () => {
    const { code, stdout, stderr } = run('builds.mjs', builds);
    const steps = ['FROM app', 'ARG GREETING', 'COPY greeting /etc/greeting', 'RUN ["/bin/busybox"'];
    const lines = stdout.split('\n');
    expect(lines.slice(0, 4).map((line, index) => line.startsWith(`${index + 1}/4 ${steps[index]}`))).toEqual(
      [true, true, true, true],
    );
    expect(lines.slice(4)).toEqual(['true', '/etc/greeting 2', '']);
    // What RUNs print is not the program's output.
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'hello\n' });
    expect(readdirSync(bench.root)).toContain('built.tar');
  });
});

it('images are pulled, and events tell of it until the signal', async () => {
  await using remote = await FakeRegistry.start();
  const layout = new LayoutBuilder();
  const image = layout.image([tarBytes({ name: 'f', content: 'x' })]);
  for (const [name, bytes] of layout.files) {
    const digest = name.replace(/^.*\//, 'sha256:');
    if (digest === image.digest) remote.manifests.set('1', { bytes, mediaType: image.mediaType });
    else remote.addBlob(bytes);
  }
  const store = storeAt({ root: join(bench.root, 'pulled') });
  const id = await store.images.pull(`${remote.host}/app:1`);
  expect(store.images.list()).toEqual([{ id, names: [`${remote.host}/app:1`] }]);
  const ending = new AbortController();
  const actions: string[] = [];
  for await (const { type, action } of store.events({ sinceMs: 0, signal: ending.signal })) {
    actions.push(`${type} ${action}`);
    ending.abort();
  }
  expect(actions).toEqual(['image pull']);
  await expect(store.images.pull(`${remote.host}/app:2`)).rejects.toThrow(/app:2/);
  const seen: number[] = [];
  const onProgress = ({ bytes }: { readonly bytes: number }) => void seen.push(bytes);
  store.images.tag(id, `${remote.host}/other:1`);
  const { digest } = await store.images.push(`${remote.host}/other:1`, { onProgress });
  // The registry has the blobs already: only their number to send is told.
  expect([digest, seen.every((bytes) => bytes === 0)]).toEqual([image.digest, true]);
  await store.images.copy(`${remote.host}/other:1`, `${remote.host}/copied:1`);
  expect(remote.manifests.has('1')).toBe(true);
});

it('require() gives what import does', () => {
  const names = 'ApplyRefused,UserError,mount,mounts,openMount,storeAt';
  expect(run('a.cjs', "console.log(Object.keys(require('plyfs')).sort().join())")).toMatchObject({
    stdout: `${names}\n`,
  });
  expect(run('a.mjs', "console.log(Object.keys(await import('plyfs')).sort().join())").stdout).toBe(
    `${names}\n`,
  );
});

it('types are found by import and by require', () => {
  const files = {
    'user.mts': `import { storeAt, type BuildEvent } from 'plyfs';
      const told: BuildEvent[] = [];
      await storeAt().images.build('.', { onEvent: (event) => void told.push(event) });
      storeAt().volumes.list().map(({ none }) => none);`,
    'user.cts': `import plyfs = require('plyfs');
      const store: plyfs.PlyfsStore = plyfs.storeAt();
      void store.containers.run({ image: 'a' }).then(({ status }) => status.toFixed());`,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(bench.root, name), text);
  const program = ts.createProgram(
    Object.keys(files).map((name) => join(bench.root, name)),
    {
      module: ts.ModuleKind.NodeNext,
      noEmit: true,
      strict: true,
      skipLibCheck: true,
      target: ts.ScriptTarget.ES2022,
      lib: ['lib.es2022.d.ts', 'lib.esnext.disposable.d.ts'],
      types: ['node'],
      typeRoots: [join(projectRoot, 'node_modules/@types')],
    },
  );
  const found = ts.getPreEmitDiagnostics(program);
  // The one mistake that is in them: nothing is any.
  expect(found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '))).toEqual([
    "Property 'none' does not exist on type 'VolumeDescription'.",
  ]);
}, 120_000);

/** A call, and what it is told. */
const WRONG: readonly (readonly [call: string, message: string])[] = [
  ["mount({ mountpoint: 'tree', layer: ['base'] })", "mount(): it has no option 'layer'"],
  [
    "mount({ mountpoint: 'tree', layers: 'base' })",
    "mount(): the option 'layers' is an array of texts, not 'base'",
  ],
  ['mount()', 'mount(): its options are an object, not undefined'],
  ["mount({ layers: ['base'] })", 'mount(): the mount point is text, not undefined'],
  ["openMount('')", 'openMount(): the path is text, not empty'],
  [
    'store.volumes.create({ labels: { a: 1 } })',
    "volumes.create(): the option 'labels' is an object of texts, not an object",
  ],
  ["store.images.pull('')", 'images.pull(): the name is text, not empty'],
  ['store.events({ signal: 1 }).next()', "events(): the option 'signal' is an AbortSignal, not 1"],
  ['store.containers.create({})', 'containers.create(): the image is text, not undefined'],
  [
    "store.containers.create({ image: 'a', memory: 5 })",
    "containers.create(): the option 'memory' is text, not 5",
  ],
  ["store.containers.run({ image: 'a', tty: true })", 'containers.run(): a program has no terminal'],
  ["store.images.save([], 'a.tar')", 'images.save(): the list of names is an array of texts, not an array'],
  [
    "store.images.build('.', { network: 'bridge' })",
    "images.build(): the option 'network' is one of none, host, not 'bridge'",
  ],
  ["store.images.save('app', 'a.tar')", "images.save(): the list of names is an array of texts, not 'app'"],
];

it('wrong arguments are told before anything is done', () => {
  const program = `import { mount, openMount, storeAt } from 'plyfs';
    const store = storeAt({ root: 's' });
    for (const call of [${WRONG.map(([call]) => `async () => await ${call}`).join(',\n')}])
      try { await call(); console.log('nothing'); } catch (error) { console.log(error.name, error.code, error.message); }`;
  const { code, stdout, stderr } = run('wrong.mjs', program);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout.trimEnd().split('\n')).toEqual(
    WRONG.map(([, message]) => `UserError ERR_INVALID_ARGUMENT ${message}`),
  );
  expect(readdirSync(bench.root)).not.toContain('s');
});

it('a program tells kinds of failures by their codes', () => {
  const program = `import { storeAt } from 'plyfs';
    const { volumes, images, containers } = storeAt({ root: 'store' });
    volumes.create({ name: 'used' });
    const { id } = await containers.create({ image: 'app', volumes: ['used:/used'] });
    const calls = [
      () => images.find('none'),
      () => containers.inspect('none'),
      () => volumes.export('none', 'none.tar'),
      () => volumes.remove('used'),
      () => images.remove('built:1', { force: false }),
      () => images.remove('app', { force: false }),
      () => containers.run({ image: 'app', command: ['/none'], autoRemove: true }),
    ];
    for (const call of calls) {
      try { await call(); console.log('done'); } catch (error) { console.log(error.code ?? error); }
    }
    console.log(containers.list().map((one) => one.id).join() === id);
    await containers.remove(id);
    volumes.remove('used');`;
  expect(run('codes.mjs', program)).toEqual({
    code: 0,
    stdout: `${[
      'ERR_NOT_FOUND',
      'ERR_NOT_FOUND',
      'ERR_NOT_FOUND',
      'ERR_IN_USE',
      'done',
      'ERR_IN_USE',
      'ERR_CANNOT_START',
      'true',
    ].join('\n')}\n`,
    stderr: '',
  });
});
