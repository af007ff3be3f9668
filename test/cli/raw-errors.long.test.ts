/** Commands given what is broken: each says so in a line of its own words, and none shows those of Node or a stack. */

import { spawn } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ContainerBench } from './container/bench.js';
import { cliScript } from './plyfs-run.js';

let bench: ContainerBench;
beforeAll(() => {
  bench = new ContainerBench('dir', 'context');
  bench.addImages();
  writeFileSync(`${bench.root}/file`, 'no tar\n');
  writeFileSync(`${bench.root}/context/Dockerfile`, 'FROM box\n');
  symlinkSync('loop', `${bench.root}/loop`);
  mkdirSync(`${bench.root}/taken`);
  bench.get('create', '--name', 'web', 'box');
  bench.get('volume', 'create', 'data');
});
afterAll(() => bench.dispose());

const LONG = 'n'.repeat(300);
/** What cannot be read or written as a file, each in its way. */
const BROKEN = ['nothere', 'file/x', 'loop', 'dir', LONG];

const inputs: readonly string[][] = [
  ...BROKEN.flatMap((path) => [
    ['import', path, 'new'],
    ['load', '-i', path],
    ['build', '-f', path, 'context'],
    ['build', '--secret', `id=a,src=${path}`, 'context'],
    ['run', '--env-file', path, 'box', 'true'],
    ['create', '--label-file', path, 'box'],
    ['build', '--build-context', `a=${path === 'dir' ? 'nothere' : path}`, 'context'],
    ['cp', path === 'dir' ? 'nothere/' : path, 'web:/'],
    ['volume', 'import', '-i', path, 'new'],
  ]),
  ...['file/x', 'loop', 'dir', LONG, 'nothere/x'].flatMap((path) => [
    ['save', '-o', path, 'box'],
    ['export', '-o', path, 'web'],
    ['volume', 'export', '-o', path, 'data'],
    ['build', '--iidfile', path, 'context'],
    ['build', '--metadata-file', path, 'context'],
    ['build', '-o', `type=tar,dest=${path}`, 'context'],
    ['create', '--cidfile', path, 'box'],
  ]),
  ['build', 'nothere'],
  ['build', 'file'],
  ['build', '--ssh', 'a=file/x', 'context'],
  ['cp', 'web:/etc/issue', 'nothere/x/y'],
  ['cp', 'web:/etc/issue', 'file/x'],
  ['cp', 'web:/nothere', '.'],
  ['run', '-v', './file/x:/y', 'box', 'true'],
  ['run', '-v', './loop:/y', 'box', 'true'],
  ['run', '-v', `./${LONG}:/y`, 'box', 'true'],
  ['run', '-w', '/etc/issue/x', 'box', 'true'],
  ['run', 'box', '/etc'],
  ['create', '--name', LONG, 'box'],
  ['volume', 'create', LONG],
  ['tag', 'box', LONG.repeat(2)],
  ['mount', '-l', 'file/x', 'dir'],
  ['mount', '-l', 'loop', 'dir'],
  ['umount', 'file/x'],
  ['why', 'file/x'],
  ['inspect', './file/x'],
  // Where Node's own mkdir does not end.
  ...['/proc/x', 'file/x', 'loop/x'].flatMap((path) => [
    ['build', '-o', path, 'context'],
    ['man-pages', path],
    ['mount', '-l', 'taken', '-o', 'X-mount.mkdir', path],
    ['mount', '-l', 'taken', '--mount', `type=bind,src=${path},dst=/y,bind-create-src`, 'dir'],
  ]),
];

/** A store that is none. */
const roots: readonly string[][] = ['file', 'file/x', 'loop', '/dev/null', '/proc/x/y', `/${LONG}`].flatMap(
  (root) =>
    [
      ['volume', 'ls'],
      ['ps'],
      ['images'],
      ['volume', 'create', 'new'],
      ['import', 'file', 'new'],
      ['info'],
    ].map((command) => ['--root', root, ...command]),
);

describe('broken input', () => {
  it('is told in words of plyfs', async () => {
    const all = [...inputs.map((args) => ['--root', bench.store.root, ...args]), ...roots];
    const problems: string[] = [];
    const next = all.entries();
    const work = async () => {
      for (const [, args] of next) {
        const problem = problemOf(await run(args));
        if (problem !== undefined) problems.push(`plyfs ${args.join(' ').replace(LONG, 'LONG')}: ${problem}`);
      }
    };
    await Promise.all([work(), work(), work()]);
    expect(problems).toEqual([]);
    for (const root of ['file', '/dev/null'])
      expect((await run(['--root', root, 'images'])).stderr).toMatch(
        /cannot use the store '.*': it is no directory/,
      );
  }, 240_000);
});

interface Ended {
  readonly status: number | null;
  readonly stderr: string;
}

function problemOf({ status, stderr }: Ended): string | undefined {
  if (status === null) return 'it did not end';
  if (
    /\bE[A-Z]{3,}\b|internal error|^ {4}at |\b(?:scandir|lstat|openat)\b|links encountered|\.new'/m.test(
      stderr,
    )
  )
    return stderr;
  if (status !== 0 && !/^plyfs/m.test(stderr)) return `status ${status}, and no reason: '${stderr}'`;
  return undefined;
}

function run(args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, ['--', cliScript, ...args], {
    cwd: bench.root,
    env: bench.env,
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stderr: stderr.replaceAll(bench.root, '') }));
  });
}
