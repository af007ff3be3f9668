/** `plyfs try` beside a daemon that runs: it starts nothing but the command, told by counting processes and daemons. */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { DraftBench } from './draft-bench.js';

let bench: DraftBench;
beforeEach(() => {
  bench = new DraftBench();
  bench.outside('echo one > f');
});
afterEach(() => bench.dispose());

/** The pids of the daemons that serve mounts of the bench. */
function servingPids(): number[] {
  const mounts = join(bench.runDirectory, 'mounts');
  return readdirSync(mounts)
    .map((id) => JSON.parse(readFileSync(join(mounts, id, 'state.json'), 'utf8')))
    .map(({ pid }: { pid: number }) => pid);
}

test('the warm daemon serves the draft, nothing shows on the host, and the command is the only process more', async () => {
  mkdirSync(join(bench.root, 'layer'));
  mkdirSync(join(bench.root, 'at'));
  expect(bench.plyfs('mount', '-l', 'layer', 'at').code).toBe(0);
  try {
    const [warm] = servingPids();
    // Its parent is plyfs, whose only child it is: no other Node makes the namespace, and no daemon begins.
    const script = `cat f; echo two > f; cat f; cat /proc/$PPID/task/*/children | wc -w
      ls -A ${bench.runDirectory} | wc -l; grep -c draft:warm /proc/$PPID/mountinfo; exit 7`;
    const { code, stdout, stderr } = bench.try('warm', script);
    expect({ code, stdout, stderr }).toEqual({ code: 7, stdout: 'one\ntwo\n1\n0\n0\n', stderr: '' });
    expect(readFileSync(join(bench.host, 'f'), 'utf8')).toBe('one\n');
    expect(bench.try('warm', 'cat f').stdout).toBe('two\n');
    expect(servingPids()).toEqual([warm]);
  } finally {
    bench.plyfs('umount', 'at');
  }
});

test('pipes of a command in a draft wait for their other end, though Node has used them', () => {
  const script = 'grep -h flags /proc/$$/fdinfo/0 /proc/$$/fdinfo/1 /proc/$$/fdinfo/2; cat';
  const args = `try --root '${bench.root}/store' -q -C '${bench.host}' sh -c '${script}'`;
  const command = `(sleep 0.2; echo late) | '${process.execPath}' '${bench.cli}' ${args} 2>&1 | cat`;
  const { stdout } = bench.run('sh', '-c', command);
  // O_NONBLOCK would be 04000.
  expect(stdout.replaceAll(/^flags:\s*0*(?:100000)?/gm, '')).toBe('\n1\n1\nlate\n');
});

test('a program whose cache is not there has one in memory', () => {
  // A draft of one directory has a /tmp of its own, below which TMPDIR may lie.
  const home = mkdtempSync(join(homedir(), '.plyfs-test-'));
  onTestFinished(() => rmSync(home, { recursive: true }));
  const script =
    'mkdir -p "$npm_config_cache/_cacache" && mkdir -p "$XDG_CACHE_HOME/pip" && echo made; mkdir ~/.npm || echo refused';
  const clean = ['-u', 'XDG_CACHE_HOME', '-u', 'npm_config_cache', `HOME=${home}`];
  const args = ['try', '--root', join(bench.root, 'store'), '-q', '-C', bench.host, 'sh', '-c', script];
  const { stdout } = bench.run('env', ...clean, process.execPath, bench.cli, ...args);
  expect(stdout).toBe('made\nrefused\n');
  expect(readdirSync(home)).toEqual([]);
});
