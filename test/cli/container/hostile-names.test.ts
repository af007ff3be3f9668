/**
 * Names made to write on the terminal of who looks at them: files, images, commands, Dockerfiles, mount points. A terminal
 * gets them quoted from every command, a pipe as they are.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addImage, fillSystem } from '../../helpers/images.js';
import { ContainerBench } from './bench.js';
import { playOn } from './play.js';

/** A second line, the terminal's title, a clear screen in C1, text from right to left; then a byte that is no UTF-8. */
const EVIL = 'evil\nSuccessfully forged\x1b]0;title\x07\u009b2J\u202e';
const STRAY = Buffer.from([0xff]);
const QUOTED = "'evil'$'\\n''Successfully forged'$'\\033'']0;title'$'\\a\\302\\233''2J'$'\\342\\200\\256'";
/** In a line of ours. */
const IN_LINE = "evil'$'\\n''Successfully forged'$'\\033'']0;title'$'\\a\\302\\233''2J'$'\\342\\200\\256''";
const IN_JSON = 'evil\\nSuccessfully forged\\u001b]0;title\\u0007\\u009b2J\\u202e';

let bench: ContainerBench;
beforeAll(() => {
  bench = new ContainerBench('host', 'context');
  bench.addImages();
  const config = { Env: ['PATH=/bin'], Cmd: ['true'], Labels: { who: EVIL } };
  addImage(bench.store.root, { name: 'evil:latest', config }, [fillSystem]);
  bench.get('run', '--name', 'web', '--label', `who=${EVIL}`, 'box', 'sh', '-c', '> "/$0"', EVIL);
  writeFileSync(
    Buffer.concat([
      Buffer.from(`${bench.store.root}/containers/${bench.get('ps', '-aq', '--no-trunc')}/upper/`),
      STRAY,
    ]),
    '',
  );
  writeFileSync(`${bench.root}/context/Dockerfile`, `FROM box\nENV A="\x1b[31m\u202e"\nLABEL b=\u009b2J\n`);
});
afterAll(() => bench.dispose());

const onTerminal = async (...args: string[]): Promise<string> =>
  (await playOn(bench, args, [])).output.replaceAll('\r\n', '\n');

const unsafe = /(?!\n)[\p{Cc}\p{Cs}\p{Bidi_Control}\ufffd]/u;

test.each<[string, readonly string[], string]>([
  ['diff', ['diff', 'web'], `A '/${QUOTED.slice(1)}`],
  ['diff, bytes', ['diff', 'web'], "A '/'$'\\377'"],
  ['diff --format json', ['diff', '--format', 'json', 'web'], IN_JSON],
  ['ps', ['ps', '-a', '--no-trunc'], 'forged\\x1b]0;'],
  ['ps, a template', ['ps', '-a', '--format', '{{.Labels}}'], "'who=evil'$'\\n'"],
  [
    'ps, a template with text of its own',
    ['ps', '-a', '--format', '{{println .Labels}}'],
    "'who=evil'$'\\n'",
  ],
  ['inspect', ['container', 'inspect', 'web'], IN_JSON],
  ['inspect, json of a template', ['container', 'inspect', '-f', '{{json .Config.Labels}}', 'web'], IN_JSON],
  ['inspect, a template', ['container', 'inspect', '-f', '{{.Config.Labels.who}}', 'web'], QUOTED],
  ['image inspect', ['image', 'inspect', 'evil'], IN_JSON],
  [
    'image ls, a template of labels',
    ['image', 'inspect', '-f', '{{.Config.Labels}}', 'evil'],
    "'map[who:evil'$'\\n'",
  ],
  ['an error', ['container', 'inspect', EVIL], `'${IN_LINE}'`],
  ['a mistake', ['container', 'inspect', `--${EVIL}`], `'--${IN_LINE}'`],
  ['cp', ['cp', `web:/none${EVIL}`, 'x'], IN_LINE],
  ['logs', ['logs', EVIL], IN_LINE],
])(
  '%s, on a terminal',
  async (_, args, shown) => {
    const output = await onTerminal(...args);
    expect(output).toContain(shown);
    expect(output).not.toMatch(unsafe);
    expect(output).not.toMatch(/^Successfully/m);
  },
  60_000,
);

test('build shows the lines of a Dockerfile', async () => {
  const output = await onTerminal('build', '-t', 'made', `${bench.root}/context`);
  expect(output).toContain("Step 2/3 : ENV A=\"'$'\\033''[31m'$'\\342\\200\\256''\"");
  expect(output).not.toMatch(unsafe);
}, 120_000);

test('mounts and why', async () => {
  mkdirSync(`${bench.root}/layer/${EVIL}`, { recursive: true });
  const point = `${bench.root}/point${EVIL}`;
  mkdirSync(point);
  expect(bench.plyfs('mount', '-l', `${bench.root}/layer`, point)).toMatchObject({ code: 0 });
  try {
    const table = await onTerminal('why', `${point}/${EVIL}`);
    expect(table).toContain(`'/${QUOTED.slice(1)}: layer from '${bench.root}/layer/${QUOTED.slice(1)}\n`);
    expect(table).not.toMatch(unsafe);
    const script = `'${process.execPath}' -- '${bench.cli}' mounts`;
    for (const flags of ['', ' -q', " --format '{{.Mountpoint}}'", ' --format json']) {
      const { stdout } = bench.run('script', '-qefc', script + flags, '/dev/null');
      expect(stdout).toContain(flags.endsWith('json') ? IN_JSON : `point${QUOTED.slice(1)}`);
      expect(stdout.replaceAll('\r\n', '\n')).not.toMatch(unsafe);
    }
    expect(bench.plyfs('mounts', '-q').stdout).toContain(`${point}\n`);
    expect(bench.plyfs('mounts', '--format', '{{.Mountpoint}}').stdout).toContain(`${point}\n`);
    expect(bench.plyfs('mounts').stdout).toContain(point.replaceAll('\n', '\\n'));
  } finally {
    bench.plyfs('umount', point);
  }
}, 120_000);

test('a pipe gets names as they are, byte for byte', () => {
  const { stdout } = bench.do('diff', 'web');
  expect(stdout).toContain(`A /${EVIL}\n`);
  const bytes = bench.run(
    'sh',
    '-c',
    `'${process.execPath}' '${bench.cli}' diff --root '${bench.store.root}' web | od -An -tx1 | tr -d ' \\n'`,
  );
  expect(bytes.stdout).toContain('41202fff0a');
  expect(bench.get('container', 'inspect', '-f', '{{.Config.Labels.who}}', 'web')).toBe(EVIL);
  expect(bench.get('container', 'inspect', '-f', '{{json .Config.Labels.who}}', 'web')).toBe(
    JSON.stringify(EVIL),
  );
});

test('colours that the user wrote into a template stay', async () => {
  expect(await onTerminal('ps', '-a', '--format', '\x1b[31m{{.Names}}\x1b[0m')).toBe('\x1b[31mweb\x1b[0m\n');
});
