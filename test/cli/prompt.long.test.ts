/** Every command that prints ends in good order when standard output takes no more, and mistakes name what was meant. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { cliScript, Workbench } from './plyfs-run.js';

const bench = new Workbench('lo', 'm');
bench.env.PLYFS_ROOT = `${bench.root}/store`;
afterAll(() => bench.dispose());

const printing: readonly (readonly string[])[] = [
  ['ps'],
  ['images'],
  ['mounts'],
  ['volume', 'ls'],
  ['system', 'df'],
  ['info'],
  ['version'],
  ['doctor'],
  ['--version'],
  ['--help'],
  ['help', 'run'],
  ['volume', 'create', '--help'],
];

function bash(script: string) {
  return bench.run('bash', '-c', script.replaceAll('plyfs', `'${process.execPath}' '${cliScript}'`));
}

describe.each(printing.map((words) => words.join(' ')))('plyfs %s', (words) => {
  it('says in a line that the disk of its output is full', () => {
    const { status, stderr } = spawnSync(process.execPath, [cliScript, ...words.split(' ')], {
      env: bench.env,
      stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'],
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect([status, stderr]).toEqual([
      1,
      'plyfs: cannot write to standard output: no space left on device\n',
    ]);
  });

  it('ends without a word when nobody reads', () => {
    const { code, stderr } = bash(`plyfs ${words} > >(exec true) 2>err; echo $? >status; cat err >&2`);
    expect([code, stderr]).toEqual([0, '']);
    // What was written before the reader went away is written.
    expect(['0', '141']).toContain(readFileSync(`${bench.root}/status`, 'utf8').trim());
  });
});

it.each([
  ['muont', "plyfs: unknown command 'muont'; did you mean 'mount'?\n"],
  ['volume lst', "plyfs volume: unknown command 'volume lst'; did you mean 'ls' or 'list'?\n"],
  ['mount lo m', "plyfs mount: too many arguments: 'lo m'; did you mean 'plyfs mount -l lo m'?\n"],
  ['help muont', "plyfs: unknown command 'muont'; did you mean 'mount'?\n"],
  ['snap', "plyfs: unknown command 'snap'; did you mean 'snapshot'?\n"],
  ['serve docker', "plyfs serve: unknown command 'serve docker'; did you mean 'docker-volumes'?\n"],
  ['mount -l lo -upper up m', "plyfs mount: unknown option '-upper'; did you mean '--upper'?\n"],
  [
    'mount -l lo m m2',
    "plyfs mount: too many arguments: there is one mount point, and not 'm m2'; see 'plyfs mount --help'\n",
  ],
  ['mount -l lo -o foo m', "plyfs mount: unknown mount option 'foo'; 'plyfs mount --help' has them\n"],
  [
    'volume create x y z',
    "plyfs volume create: too many arguments: 'y z'; see 'plyfs volume create --help'\n",
  ],
  ['load x.tar', "plyfs load: too many arguments: 'x.tar'; did you mean 'plyfs load -i x.tar'?\n"],
  ['completion ksh', "plyfs completion: invalid shell 'ksh'; choose bash, zsh, fish\n"],
])('plyfs %s says what was meant', (words, line) => {
  const { code, stderr } = bench.plyfs(...words.split(' '));
  expect([code, stderr]).toEqual([1, line]);
});

it('help COMMAND is the help of the command', () => {
  expect(bench.plyfs('help', 'volume', 'create').stdout).toBe(
    bench.plyfs('volume', 'create', '--help').stdout,
  );
  expect(bench.plyfs('help').stdout).toBe(bench.plyfs('--help').stdout);
});

it.each([
  'ps',
  'images',
  'volume ls',
  'system df',
  'info',
  'inspect x',
  'logs x',
  'history x',
  'doctor',
  'rmi x',
  'tag x y',
  'image prune -f',
  'volume rm x',
  'volume rename aa bb',
  'volume prune -f',
  'system prune -f',
])('plyfs %s makes no store', (words) => {
  bench.plyfs(...words.split(' '));
  expect(readdirSync(bench.root)).not.toContain('store');
});

it('what a daemon has said outlives its mount, the newest twenty', () => {
  mkdirSync(`${bench.runDirectory}/logs`, { recursive: true });
  for (let i = 0; i < 25; i++) writeFileSync(`${bench.runDirectory}/logs/${i}.log`, 'old');
  expect(bench.plyfs('mount', '-l', 'lo', 'm').code).toBe(0);
  const [id = ''] = bench.runIds();
  writeFileSync(`${bench.runDirectory}/mounts/${id}/log`, 'last words\n', { flag: 'a' });
  expect(bench.plyfs('umount', 'm').code).toBe(0);
  const logs = readdirSync(`${bench.runDirectory}/logs`);
  expect(logs).toHaveLength(20);
  expect(readFileSync(`${bench.runDirectory}/logs/${id}.log`, 'utf8')).toContain('last words');
});
