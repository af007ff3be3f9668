/** Commands that take the whole terminal: what they show on one, how they end, and that the terminal is as before then. */

import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addImage } from '../helpers/images.js';
import { ContainerBench } from './container/bench.js';
import { cliScript } from './plyfs-run.js';

const LIMIT_MS = 120_000;
/** Gives the terminal back: lines wrap, the cursor is seen, the screen is the one before. */
const RESTORED = '\x1b[?7h\x1b[?25h\x1b[?1049l';

let bench: ContainerBench;
beforeAll(() => {
  bench = new ContainerBench('base', 'host', 'up', 'mnt');
  const { root } = bench.store;
  const layer = (script: string) => (directory: string) =>
    void execFileSync('bash', ['--norc', '-euc', script], { cwd: directory });
  const history = ['COPY . /', 'RUN rm secret'];
  addImage(root, { name: 'shop:1', history }, [
    layer("mkdir etc; echo one >etc/config; echo hunter2 >secret; touch $'esc\\e[31m'"),
    layer('mknod secret c 0 0'),
  ]);
  addImage(root, { name: 'shop:2', history: ['COPY . /'] }, [layer('mkdir etc; echo two >etc/config')]);
  writeFileSync(join(bench.root, 'base/x'), 'x');
}, LIMIT_MS);
afterAll(() => {
  bench.plyfs('umount', 'mnt');
  bench.dispose();
});

interface Shown {
  /** All that came, and the lines of the last screen. */
  readonly output: string;
  readonly screen: string;
  readonly status: string;
}

/**
 * Runs plyfs on a terminal of 24 lines and 80 columns.
 * @param steps pairs: what has to be seen in what came since the step before, then what is typed; `SIG...` is a signal, `RxC` a new size.
 */
function onTerminal(args: readonly string[], steps: readonly (readonly [string, string])[]): Shown {
  const script = join(import.meta.dirname, 'on-terminal.py');
  const input = JSON.stringify({ command: [process.execPath, cliScript, ...args], steps });
  const { stdout, stderr } = spawnSync('python3', [script], {
    input,
    encoding: 'utf8',
    cwd: bench.root,
    env: { ...bench.env, TERM: 'xterm-256color' },
    timeout: LIMIT_MS,
  });
  expect(stderr).toBe('');
  const { output, status } = JSON.parse(stdout) as { readonly output: string; readonly status: string };
  const screen = stripVTControlCharacters(output.slice(output.lastIndexOf('\x1b[H')));
  return { output, screen, status };
}

describe('plyfs explore', () => {
  test('tells by keys which layer has what, what was deleted, and what differs', () => {
    const { output, status } = onTerminal(
      ['explore', 'shop:1', '--root', bench.store.root],
      [
        ['COPY . /', '/'],
        ['Name or glob', 'secret\r'],
        ['whiteout of layer 2', '\r'],
        ['deleted in 2', '\r'],
        ['hunter2', '\x1b'],
        ['whiteout', '4'],
        ['Compare with', 'shop:2\r'],
        ['/etc/config', 'G\r'],
        ['+two', 'q'],
      ],
    );
    expect(output.endsWith(RESTORED)).toBe(true);
    expect(status).toBe('exited 0');
    // A name never acts on the terminal.
    expect(output).not.toContain('esc\x1b[31m');
  });

  test.each([
    ['SIGTERM', 'killed 15'],
    ['\x03', 'killed 2'],
  ])('gives the terminal back at %j', (step, status) => {
    const shown = onTerminal(
      ['explore', 'shop:1', '--root', bench.store.root],
      [
        ['COPY . /', '8x30'],
        ['1-4 pages, En…', step],
      ],
    );
    expect(shown.output.endsWith(RESTORED)).toBe(true);
    expect(shown.status).toBe(status);
    expect(Math.max(...shown.screen.split(/\r*\n/).map((line) => line.length))).toBeLessThanOrEqual(30);
  });
});

test('plyfs top names what failed, by which option, and who copied up', () => {
  const mount = ['mount', '-l', 'base', '--upper', 'up', '-v', './host:/h:ro', '--tmpfs', '/t:size=64k'];
  bench.plyfs(...mount, '--root', bench.store.root, 'mnt');
  spawnSync('bash', ['-c', 'echo y >>mnt/x; echo z >mnt/h/new; head -c 200000 /dev/zero >mnt/t/big'], {
    cwd: bench.root,
  });
  const { output } = onTerminal(
    ['top', '--root', bench.store.root],
    [["'/h/new' is ro through -v ./host:/h:ro", 'q']],
  );
  expect(output).toContain('the size of --tmpfs /t:size=64k is reached');
  expect(output).toMatch(/copy-up .*\/x by bash/);
  const failed = bench.get(
    'events',
    '--since',
    '1h',
    '--until',
    '0s',
    '--filter',
    'event=fail',
    '--format',
    'json',
  );
  expect(JSON.parse(failed)).toMatchObject({
    Type: 'mount',
    Actor: { Attributes: { error: 'EROFS', operation: 'CREATE', path: '/h/new', process: 'bash' } },
  });
  expect(bench.plyfs('why', 'mnt/x').stdout).toMatch(/copied up \d{4}-.*Z by bash \(pid \d+\)/);
  const { stderr, code } = bench.plyfs('explore', '--mount', 'mnt');
  expect([code, stderr]).toEqual([1, expect.stringMatching(/needs a terminal/)]);
});
