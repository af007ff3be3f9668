/**
 * Secrets of a build that is killed: nothing of them stays in the store, the folder of temporary files or the run directory,
 * and the command that had them ends.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { fillSystem } from '../helpers/images.js';
import { cliScript, until, untilIs, Workbench } from './plyfs-run.js';

const CANARY = 'CANARY-7f3a';
const OF_FILE = `${CANARY}-of-a-file`;
const OF_VARIABLE = `${CANARY}-of-a-variable`;
const OF_ARGUMENT = `${CANARY}-of-an-argument`;
/** Where nothing of them may be. */
const PLACES = ['state', 'tmp', 'run'];

let bench: Workbench;
let running: ChildProcess | undefined;

beforeAll(() => {
  bench = new Workbench('base', 'given', 'context', ...PLACES);
  fillSystem(join(bench.root, 'base'));
  expect(bench.run('tar', '-C', 'base', '-cf', 'base.tar', '.').code).toBe(0);
  expect(bench.plyfs('--root', 'state', 'import', 'base.tar', 'base').code).toBe(0);
  writeFileSync(join(bench.root, 'given/token'), OF_FILE);
}, 120_000);

afterAll(() => bench.dispose());

afterEach(() => void running?.kill('SIGKILL'));

/** Files with the canary in them. A build argument is in the history of a step that was finished, as Docker has it. */
function found(): string[] {
  const { code, stdout } = bench.run('grep', '-r', '-l', '-a', '-D', 'skip', CANARY, ...PLACES);
  expect([0, 1]).toContain(code);
  const paths = stdout.split('\n').filter((line) => line !== '');
  return paths.filter((path) => textOf(path).replaceAll(`|1 TOKEN=${OF_ARGUMENT} `, '').includes(CANARY));
}

function textOf(path: string): string {
  return readFileSync(join(bench.root, path), 'latin1');
}

interface Build {
  readonly child: ChildProcess;
  readonly said: () => string;
  readonly ended: Promise<unknown>;
}

function startBuild(run: string): Build {
  const mounts = '--mount=type=secret,id=t,uid=5,mode=0440 --mount=type=secret,id=v,env=V';
  writeFileSync(
    join(bench.root, 'context/Dockerfile'),
    `FROM base\nRUN echo before >/before\nARG TOKEN\nRUN ${mounts} ${run}\n`,
  );
  const secrets = ['--secret', 'id=t,src=given/token', '--secret', 'id=v,env=VARIABLE'];
  const args = ['--root', 'state', 'build', '--build-arg', `TOKEN=${OF_ARGUMENT}`, ...secrets, 'context'];
  const child = spawn(process.execPath, [cliScript, ...args], {
    cwd: bench.root,
    env: { ...bench.env, TMPDIR: join(bench.root, 'tmp'), VARIABLE: OF_VARIABLE },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  running = child;
  let text = '';
  child.stderr!.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  return { child, said: () => text, ended: new Promise((resolve) => child.on('exit', resolve)) };
}

/** Processes that have the canary in their command line or environment. */
function holders(): string[] {
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && holdsCanary(pid));
}

function holdsCanary(pid: string): boolean {
  try {
    return ['cmdline', 'environ'].some((file) =>
      readFileSync(`/proc/${pid}/${file}`, 'latin1').includes(CANARY),
    );
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

async function inRun({ said }: Build): Promise<void> {
  await until(() => said().includes('IN RUN'));
}

const READS = 'cat /run/secrets/t >/dev/null; test -n "$V$TOKEN"; echo IN RUN; sleep 100';
const KEEPS = 'cat /run/secrets/t >/kept; echo $V $TOKEN >>/kept; echo IN RUN; sleep 100';

it('shows RUN a secret as a file with the rights asked for, inside of other mounts too', async () => {
  const { said, ended } = startBuild(
    '--mount=type=tmpfs,target=/run/secrets/sub --mount=type=tmpfs,target=/deep --mount=type=secret,id=t,target=/deep/er/t ' +
      'stat -c "%n %a %u:%g %s" /run/secrets/t; cat /run/secrets/t; test "$(cat /run/secrets/t)" = "$(cat /deep/er/t)" && ! echo x >/run/secrets/t',
  );
  expect(await ended).toBe(0);
  expect(said()).toContain(`/run/secrets/t 440 5:0 ${OF_FILE.length}\n${OF_FILE}`);
  expect(said()).toMatch(/secrets\/t: Read-only file system/);
}, 120_000);

it.each([
  'SIGKILL',
  'SIGINT',
  'SIGTERM',
] as const)('leaves no secret on any disk when %s ends it in a RUN that reads it, and no command', async (signal) => {
  const build = startBuild(READS);
  await inRun(build);
  expect(found()).toEqual([]);
  expect(holders().length).toBeGreaterThan(0);
  build.child.kill(signal);
  await build.ended;
  expect(found()).toEqual([]);
  await untilIs(() => holders().length, 0);
}, 120_000);

it.each([
  'SIGKILL',
  'SIGINT',
  'SIGTERM',
] as const)('leaves no secret behind the next command when %s ends it in a RUN that has kept it in files', async (signal) => {
  const build = startBuild(KEEPS);
  await inRun(build);
  build.child.kill(signal);
  await build.ended;
  expect(bench.plyfs('--root', 'state', 'images').code).toBe(0);
  expect(found()).toEqual([]);
  await untilIs(() => holders().length, 0);
  expect(bench.mounted()).toEqual([]);
}, 120_000);

it('leaves none behind the next command wherever it is killed', async () => {
  const short = KEEPS.replace('sleep 100', 'rm /kept');
  for (let delayMs = 100; delayMs <= 2_300; delayMs += 200) {
    const build = startBuild(`${short} # ${delayMs}`);
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    build.child.kill('SIGKILL');
    await build.ended;
    expect(bench.plyfs('--root', 'state', 'images').code).toBe(0);
    expect([delayMs, found()]).toEqual([delayMs, []]);
  }
  await untilIs(() => holders().length, 0);
}, 120_000);
