/** `plyfs events`: each change of the store is told, in order, to who follows and to who asks later. */

import { spawn } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ContainerBench } from './bench.js';

let bench: ContainerBench;
beforeAll(() => {
  bench = new ContainerBench();
  bench.addImages();
});
afterAll(() => bench.dispose());

const TEMPLATE = '{{.Type}} {{.Action}} {{.Actor.Attributes.name}}';

function told(...filters: readonly string[]): string[] {
  const options = filters.flatMap((filter) => ['--filter', filter]);
  return bench.get('events', '--until', '0s', ...options, '--format', TEMPLATE).split('\n');
}

test('tells the life of a container and its volumes', () => {
  expect(told()).toEqual(['']);
  bench.do('run', '--name', 'one', '-v', 'kept:/kept', '-v', '/anonymous', 'box', 'sh', '-c', 'exit 3');
  bench.get('rename', 'one', 'two');
  bench.get('commit', 'two', 'made');
  bench.get('rm', '-v', 'two');
  bench.get('tag', 'made', 'other');
  bench.get('rmi', 'made', 'other');
  bench.get('volume', 'rm', 'kept');
  expect(told()).toEqual([
    'volume create <no value>',
    'volume create <no value>',
    'container create one',
    'container start one',
    'container die one',
    'container rename two',
    'image tag made:latest',
    'container commit two',
    'container destroy two',
    'volume destroy <no value>',
    'image tag other:latest',
    expect.stringMatching(/^image untag sha256:/),
    expect.stringMatching(/^image untag sha256:/),
    expect.stringMatching(/^image delete sha256:/),
    'volume destroy <no value>',
  ]);
  expect(told('type=volume', 'event=destroy', 'event=create')).toHaveLength(4);
  expect(told('container=one')).toHaveLength(3);
  expect(told('image=box', 'type=container')).toHaveLength(6);
  const [died] = bench
    .get('events', '--until', '0s', '--filter', 'event=die', '--format', 'json')
    .split('\n')
    .map((line) => JSON.parse(line) as { Actor: { Attributes: object }; time: number; timeNano: number });
  expect(died!.Actor.Attributes).toEqual({ exitCode: '3', image: 'box', name: 'one' });
  expect(Math.floor(died!.timeNano / 1e9)).toBe(died!.time);
});

test('tells of stopped and killed containers, restarts and other commands in them', () => {
  bench.get('run', '-d', '--name', 'long', '-l', 'tier=web', 'box', 'sleep', '1000');
  bench.do('exec', 'long', 'sh', '-c', 'exit 4');
  bench.get('restart', '-t', '1', 'long');
  bench.get('kill', 'long');
  bench.get('wait', 'long');
  bench.get('rm', 'long');
  const actions = told('label=tier=web').map((line) => line.split(' ').slice(1, -1).join(' '));
  expect(actions).toEqual([
    'create',
    'start',
    'exec_create: sh -c exit 4',
    'exec_start: sh -c exit 4',
    'exec_die',
    'kill',
    'die',
    'stop',
    'start',
    'restart',
    'kill',
    'die',
    'destroy',
  ]);
});

test('a follower gets events as they come, and ends at its time', async () => {
  const args = bench.withRoot(['events', '--format', TEMPLATE, '--filter', 'type=container']);
  const following = spawn(process.execPath, [bench.cli, ...args], { cwd: bench.root, env: bench.env });
  const first = new Promise<string>((resolve) =>
    following.stdout!.once('data', (data) => resolve(`${data}`)),
  );
  // Until it listens there may be events that it does not get.
  let isOver = false;
  const making = (async () => {
    while (!isOver) {
      bench.get('create', 'box', 'x');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  expect(await first).toMatch(/^container create \w+\n/);
  isOver = true;
  await making;
  following.kill('SIGINT');
  const [since, until] = [0, 300].map((ms) => new Date(Date.now() + ms).toISOString()) as [string, string];
  expect(bench.do('events', '--since', since, '--until', until)).toMatchObject({
    code: 0,
    stdout: '',
  });
});

test.each([
  [['--filter', 'colour=red'], "invalid filter 'colour'"],
  [['--since', 'soon'], "invalid value 'soon' of --since"],
  [['--format', '{{.Nothing'], 'invalid format'],
])('%s is refused in one line', (options, words) => {
  const { code, stderr } = bench.do('events', '--until', '0s', ...options);
  expect(code).toBe(1);
  expect(stderr).toContain(words);
  expect(stderr.trimEnd()).not.toContain('\n');
});
