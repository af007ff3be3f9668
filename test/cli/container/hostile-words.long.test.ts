/**
 * What others wrote, shown by every command that shows it on a terminal: arguments in errors, labels, histories, a registry's errors,
 * Dockerfiles, broken stores, command lines of processes. Nothing of it acts on the terminal, or begins a line of its own.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readIndex, writeIndex } from '../../../src/image/catalog/image-index.js';
import { REF_NAME } from '../../../src/image/oci/oci.js';
import { FakeRegistry } from '../../helpers/fake-registry.js';
import { addImage, fillSystem } from '../../helpers/images.js';
import { ContainerBench } from './bench.js';
import { playOn } from './play.js';

/** A second line, the terminal's title, a clear screen in C1, text from right to left. */
const EVIL = 'evil\nForged\x1b]0;title\x07\u009b2J\u202e';

let bench: ContainerBench;
beforeAll(() => {
  bench = new ContainerBench('host', 'context');
  bench.addImages();
  const config = { Env: ['PATH=/bin', `A=${EVIL}`], Labels: { [EVIL]: EVIL }, Cmd: ['true', EVIL] };
  addImage(bench.store.root, { name: 'evil:latest', config, os: 'linux' }, [fillSystem]);
  bench.get('volume', 'create', '--label', `who=${EVIL}`, 'labelled');
  const arrive = [
    '--label',
    `who=${EVIL}`,
    '--log-opt',
    'labels=who',
    '-e',
    `A=${EVIL}`,
    '-v',
    'labelled:/v',
  ];
  bench.get('create', '--name', 'web', ...arrive, 'evil', 'sh', '-c', 'true', EVIL);
});
afterAll(() => bench.dispose());

const unsafe = /(?!\n)[\p{Cc}\p{Cs}\p{Bidi_Control}\ufffd]/u;
/** What our own progress lines use. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is meant
const OWN = /\x1b\[(?:\d+(?:;\d+)*)?[A-HJKm]|\x1b\[\?25[hl]|\r/g;

/** What a terminal would act on, with the command; undefined: nothing. */
async function problemOf(args: readonly string[]): Promise<string | undefined> {
  const { output } = await playOn(bench, args, []);
  const shown = output.replaceAll('\r\n', '\n').replaceAll(OWN, '');
  if (!unsafe.test(shown) && !/^Forged/m.test(shown)) return undefined;
  return `${JSON.stringify(args)}: ${JSON.stringify(shown)}`;
}

/** Some at a time: a command takes most of its time to start. */
async function problems(commands: readonly (readonly string[])[]): Promise<(string | undefined)[]> {
  const found: (string | undefined)[] = [];
  for (let at = 0; at < commands.length; at += 4)
    found.push(...(await Promise.all(commands.slice(at, at + 4).map(problemOf))));
  return found.filter((problem) => problem !== undefined);
}

const RUN_OPTIONS: readonly (readonly string[])[] = [
  ...['--name', '-w', '-u', '--entrypoint', '-e', '--env-file', '-v', '--mount', '--tmpfs', '--sysctl'],
  ...[
    '--cap-add',
    '--cap-drop',
    '--security-opt',
    '--device',
    '--network',
    '--ulimit',
    '-h',
    '--volumes-from',
  ],
  ...[
    '--restart',
    '--pull',
    '--memory',
    '--cpus',
    '--stop-signal',
    '--log-driver',
    '--log-opt',
    '--add-host',
  ],
  ...['--group-add', '--storage-opt', '--shm-size', '--health-interval', '--label-file', '--platform'],
].map((option) => ['run', '--rm', option, EVIL, 'box', 'true']);

test('arguments in what commands say of them', async () => {
  const commands = [
    [EVIL],
    ['image', EVIL],
    [`--${EVIL}`],
    ...['create', 'inspect', 'rm', 'export', 'prune'].map((name) => ['volume', name, EVIL]),
    ...['import', 'rename', 'clone'].map((name) => ['volume', name, EVIL, EVIL]),
    ['volume', 'ls', '--filter', EVIL],
    ['volume', 'create', '--driver', EVIL, 'x'],
    ...['ls', 'rm', 'save', 'history', 'inspect', 'import', 'push', 'pull'].map((name) => [
      'image',
      name,
      EVIL,
    ]),
    ['image', 'tag', 'box', EVIL],
    ['load', '-i', EVIL],
    ['pull', `127.0.0.1:1/${EVIL}`],
    ...['start', 'stop', 'kill', 'wait', 'rm', 'diff', 'logs', 'top', 'attach', 'inspect', 'export'].map(
      (name) => [name, EVIL],
    ),
    ...['rename', 'exec', 'commit', 'cp'].map((name) => [name, EVIL, EVIL]),
    ['ps', '--filter', `${EVIL}=1`],
    ['ps', '--format', `{{.${EVIL}}}`],
    ['cp', 'web:/x', `/none/${EVIL}/x`],
    ['build', EVIL],
    ['build', '-f', EVIL, `${bench.root}/context`],
    ['build', '--build-arg', EVIL, '--secret', EVIL, `${bench.root}/context`],
    ['login', '-u', EVIL, '-p', EVIL, '127.0.0.1:1'],
    ['mount', '-l', EVIL, '/none'],
    ['mount', '-o', EVIL, '-l', '/', '/none'],
    ...['umount', 'why'].map((name) => [name, `/${EVIL}`]),
    ['run', '--rm', 'box', EVIL],
    ...RUN_OPTIONS,
  ];
  expect(await problems(commands)).toEqual([]);
}, 600_000);

test('what images, containers and volumes hold', async () => {
  const commands = [
    ['image', 'ls'],
    ['images', '--filter', `label=${EVIL}`],
    ['history', '--no-trunc', 'evil'],
    ['image', 'inspect', 'evil'],
    ['image', 'inspect', '-f', '{{.Config.Env}} {{.Config.Cmd}}', 'evil'],
    ['ps', '-a', '--no-trunc'],
    ['ps', '-a', '--format', '{{.Command}} {{.Labels}} {{.Mounts}}'],
    ['inspect', 'web'],
    ['inspect', '-f', '{{.Config.Env}} {{.Args}} {{range .Mounts}}{{.Name}}{{end}}', 'web'],
    ['volume', 'ls'],
    ['volume', 'ls', '--format', '{{.Labels}}'],
    ['volume', 'inspect', 'labelled'],
    ['volume', 'inspect', '-f', '{{.Labels}} {{.Options}}', 'labelled'],
    ['start', '-a', 'web'],
    ['logs', '--details', '-t', 'web'],
    ['system', 'df', '-v'],
    ['commit', '-m', EVIL, '-a', EVIL, 'web', 'made'],
    ['history', '--no-trunc', 'made'],
  ];
  expect(await problems(commands)).toEqual([]);
}, 300_000);

test('the command lines of a container’s processes', async () => {
  bench.get('run', '-d', '--name', 'busy', 'box', 'sh', '-c', 'sleep 60; true', EVIL);
  expect(
    await problems([
      ['top', 'busy'],
      ['ps', '--no-trunc'],
      ['container', 'ls', '--format', 'json'],
    ]),
  ).toEqual([]);
  bench.get('rm', '-f', 'busy');
}, 120_000);

test('what a registry answers', async () => {
  await using registry = await FakeRegistry.start();
  const error = { errors: [{ code: EVIL, message: EVIL, detail: EVIL }] };
  let status = 400;
  registry.handlers.push((_, response) => {
    response.writeHead(status, {
      'content-type': 'application/json',
      'www-authenticate': 'Basic realm="\u009b2J"',
    });
    response.end(JSON.stringify(error));
    return true;
  });
  for (status of [400, 401, 403, 404, 429, 500, 200]) {
    const image = `${registry.host}/a/b`;
    bench.get('tag', 'box', image);
    expect(
      await problems([
        ['pull', image],
        ['push', image],
        ['login', '-u', 'u', '-p', 'p', registry.host],
      ]),
    ).toEqual([]);
  }
}, 300_000);

const DOCKERFILES: Readonly<Record<string, string>> = {
  instruction: 'FROM box\n\u009b2J\x1b[31m x\n',
  flag: 'FROM box\nCOPY --\u009b2J=1 a b\n',
  stage: 'FROM box AS \u009b2J\n',
  image: 'FROM \u009b2J\u202e\n',
  source: 'FROM box\nCOPY \u009b2J\u202e /x\n',
  user: 'FROM box\nUSER \u009b2J\nRUN true\n',
  variable:
    'FROM box\nENV A=\x1b[31m\nRUN true; : $\x1b\nWORKDIR $A/\u202e\nLABEL \u009b=\u202e\nEXPOSE \u009b\n',
  mount: 'FROM box\nRUN --mount=type=\u009b2J true\n',
  program: 'FROM box\nRUN ["\\u001b[31m\\u202e"]\n',
  directive: '# escape=\u009b\nFROM box\n',
};

test.each(Object.entries(DOCKERFILES))(
  'a Dockerfile: %s',
  async (name, text) => {
    writeFileSync(`${bench.root}/context/${name}`, text);
    const args = ['build', '-f', `${bench.root}/context/${name}`, `${bench.root}/context`];
    expect(await problems([args, [...args, '--progress', 'plain'], [...args, '--check']])).toEqual([]);
  },
  120_000,
);

test('a store that somebody has written into', async () => {
  const index = readIndex(bench.store);
  const [first] = index.manifests;
  writeIndex(bench.store, [...index.manifests, { ...first!, annotations: { [REF_NAME]: EVIL } }]);
  for (const place of [`containers/${EVIL}`, `volumes/${EVIL}`, `layers/${EVIL}`, 'volumes/broken']) {
    mkdirSync(bench.store.path(place), { recursive: true });
    for (const file of ['volume.json', 'container.json', 'layer.json'])
      writeFileSync(`${bench.store.path(place)}/${file}`, `{"${'\u009b2J'}": \x1b[31m`);
  }
  const commands = [
    ['doctor'],
    ['doctor', '--format', '{{.Detail}}'],
    ['images'],
    ['image', 'ls', '--format', '{{.Repository}}:{{.Tag}}'],
    ['ps', '-a'],
    ['volume', 'ls'],
    ['system', 'df', '-v'],
    ['volume', 'inspect', 'broken'],
    ['run', '--rm', '-v', 'broken:/x', 'box', 'true'],
    ['system', 'prune', '-af', '--volumes'],
  ];
  expect(await problems(commands)).toEqual([]);
}, 120_000);
