/**
 * Commands on a terminal: script(1) gives plyfs one, and what is typed there must reach the command.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ContainerBench } from './bench.js';
import { playOn, type Script } from './play.js';

let bench: ContainerBench;
beforeAll(() => {
  bench = new ContainerBench('host');
  bench.addImages();
});
afterAll(() => {
  const left = [bench.get('ps', '-aq'), ...bench.mounted()];
  bench.dispose();
  expect(left).toEqual(['']);
});

const play = (args: readonly string[], script: Script, before = '') => playOn(bench, args, script, before);

const box = (script: string, ...flags: string[]) => ['run', '--rm', ...flags, 'box', 'sh', '-c', script];

describe('on a terminal', { timeout: 120_000 }, () => {
  test('-t: a terminal of its own, of the size of ours', async () => {
    const { output } = await play(box('tty; stty size', '-t'), [], 'stty rows 33 cols 99; ');
    expect(output.replaceAll('\r', '')).toBe('/dev/pts/0\n33 99\n');
  });

  test('-i alone: the command reads what is typed, and waits for it', async () => {
    const { code, output } = await play(box('echo go; cat', '-i'), [
      ['go\r\n', 'typed\n'],
      ['typed\r\ntyped\r\n', '\x04'],
    ]);
    expect(output).not.toContain('unavailable');
    expect(code).toBe(0);
  });

  test('-it: lines come and go once, and newlines are not doubled', async () => {
    const { code, output } = await play(box('echo go; read line; echo "got $line"; exit 4', '-it'), [
      ['go\r\n', 'hello\r'],
    ]);
    expect(output).toContain('got hello\r\n');
    expect(output).not.toContain('\r\r');
    expect(code).toBe(4);
  });

  test('-it: a bare newline of a full-screen program stays bare', async () => {
    const { output } = await play(box("stty raw; printf 'a\\nb'; stty sane", '-it'), []);
    expect(output).toContain('a\nb');
  });

  test.each([
    // It is the command itself that prints: the shell before it would catch the signal.
    ['a command without a handler ends', 'exec cat /proc/self/comm -', '\x03', 130],
    ['Ctrl-\\ does too', 'exec cat /proc/self/comm -', '\x1c', 131],
    [
      'one with a handler goes on as it wants',
      'trap "exit 9" INT; echo cat; while :; do sleep 0.1; done',
      '\x03',
      9,
    ],
  ])('-it, Ctrl-C: %s', async (_, script, key, status) => {
    const { code } = await play(box(script, '-it'), [['cat\r\n', key]]);
    expect(code).toBe(status);
  });

  test('more is typed than the terminal holds', async () => {
    const script =
      'stty raw -echo; echo go; sleep 2; count=0; while read -r line && [ "$line" != end ]; do count=$((count+1)); done; echo "count $count"';
    const lines = `${'0123456789abcde\n'.repeat(2000)}end\n`;
    const { output } = await play(box(script, '-it'), [['go', lines]]);
    expect(output).toContain('count 2000');
  });

  test('exec -it', async () => {
    bench.get('run', '-d', '--name', 'host', 'box', 'sleep', '60');
    const { code, output } = await play(
      ['exec', '-it', 'host', 'sh', '-c', 'tty; echo go; read line; exit 3'],
      [['go\r\n', 'x\r']],
    );
    expect(output).toContain('/dev/pts/0');
    expect(code).toBe(3);
    bench.get('container', 'rm', '-f', 'host');
  });
});
