/**
 * The life of a command beside who started it: detach keys, attach, a terminal that goes away, logs, the end of input;
 * and what `container mount` is apart from it.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cliScript, until, untilIs } from '../plyfs-run.js';
import { ContainerBench } from './bench.js';
import { playOn } from './play.js';

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

/** What a log of three files of 2 KiB keeps at the least. */
const KEPT_LINES = 50;

/** What `logs -f` prints until the command ends, which waits at each KEPT_LINES lines until they were seen. */
async function followedLines(name: string): Promise<string[]> {
  const args = [bench.cli, ...bench.withRoot(['logs', '-f', name])];
  const follower = spawn(process.execPath, args, { env: bench.env, stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  follower.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    const seen = text.split('\n').length - 1;
    writeFileSync(`${bench.root}/host/seen${seen - (seen % KEPT_LINES)}`, '');
  });
  const [code] = await once(follower, 'close');
  expect(code).toBe(0);
  return text.trimEnd().split('\n');
}

const state = (name: string) => bench.get('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', name);
const shell = (line: string) =>
  bench.run('sh', '-c', line.replaceAll(/\bplyfs (?=run|start|exec|attach)/g, `node -- ${cliScript} `));
const ROOT = () => `--root ${bench.store.root}`;

describe('a command and its terminal', { timeout: 120_000 }, () => {
  test('-it without a terminal is refused in one line, also by exec', () => {
    const refusal = {
      code: 1,
      stdout: '',
      stderr: 'plyfs run: the input device is not a TTY; leave -t out where the input is a file or a pipe\n',
    };
    expect(bench.do('run', '--rm', '-it', 'box', 'sh')).toEqual(refusal);
    expect(bench.get('run', '--rm', '-t', 'box', 'tty')).toContain('/dev/pts/0');
  });

  test('the detach keys leave it running, attach comes back and has it paint anew, its status comes through', async () => {
    const script = 'trap "echo size" WINCH; echo go; until read line; do :; done; echo "got $line"; exit 5';
    const sameSize = 'stty rows 20 cols 40; ';
    const left = await playOn(
      bench,
      ['run', '-it', '--name', 'left', 'box', 'sh', '-c', script],
      [['go\r\n', '\x10\x11']],
      sameSize,
    );
    expect(left.code).toBe(0);
    expect(state('left')).toBe('running 0');
    const back = await playOn(
      bench,
      ['attach', '--detach-keys', 'ctrl-a', 'left'],
      [['size', 'hello\r']],
      sameSize,
    );
    expect(back.code).toBe(5);
    expect(back.output).toContain('got hello');
    expect(state('left')).toBe('exited 5');
    expect(bench.do('attach', 'left')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('stopped container'),
    });
    bench.get('rm', 'left');
  });

  test('a terminal that is closed, or a client that is killed, ends nothing', async () => {
    const words = ['run', ROOT(), '-it', '--name', 'shut', 'box', 'sh', '-c', "'echo up; sleep 60'"];
    const child = spawn('script', ['-qefc', `node -- ${cliScript} ${words.join(' ')}`, '/dev/null'], {
      env: { ...bench.env, SHELL: '/bin/sh' },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    await until(() => bench.do('logs', 'shut').stdout.includes('up'));
    child.kill('SIGKILL');
    await new Promise((resolve) => child.on('exit', resolve));
    expect(state('shut')).toBe('running 0');
    bench.get('kill', '-s', 'HUP', 'shut');
    await untilIs(() => state('shut'), 'exited 129');
    bench.get('rm', 'shut');
  });
});

describe('input and output', { timeout: 120_000 }, () => {
  test('the end of input is passed on: run -i, exec -i, start -ai', () => {
    expect(shell(`echo one | plyfs run ${ROOT()} --name in -i box cat`).stdout).toBe('one\n');
    expect(shell(`echo two | plyfs start ${ROOT()} -ai in`).stdout).toBe('two\n');
    bench.get('rm', 'in');
    bench.get('run', '-di', '--name', 'open', 'box', 'cat');
    expect(shell(`echo three | plyfs exec ${ROOT()} -i open cat`).stdout).toBe('three\n');
    expect(state('open')).toBe('running 0');
    bench.get('rm', '-f', 'open');
  });

  test('logs of several files come in order, and follow the command through them', async () => {
    const options = ['--log-opt', 'max-size=2k', '--log-opt', 'max-file=3', '-v', './host:/host'];
    // No more at once than the three files hold, however late the follower is.
    const script = `i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo line $i
      [ $((i % ${KEPT_LINES})) != 0 ] || until [ -e /host/seen$i ]; do sleep 0.02; done; done`;
    bench.get('run', '-d', '--name', 'turning', ...options, 'box', 'sh', '-c', script);
    const followed = await followedLines('turning');
    expect(followed).toEqual(Array.from({ length: 300 }, (_, index) => `line ${index + 1}`));
    const kept = bench.get('logs', 'turning').split('\n');
    expect(kept.length).toBeLessThan(120);
    expect(kept).toEqual(followed.slice(-kept.length));
    expect(bench.get('logs', '-n', '40', 'turning').split('\n')).toEqual(followed.slice(-40));
    const template = '{{json .HostConfig.LogConfig}}';
    const config = { Type: 'json-file', Config: { 'max-size': '2k', 'max-file': '3' } };
    expect(JSON.parse(bench.get('inspect', '-f', template, 'turning'))).toEqual(config);
    bench.get('rm', 'turning');
  });

  test('logs end without a word when nobody reads on', () => {
    const script =
      'i=0; while [ $i -lt 30000 ]; do i=$((i+1)); echo a line that is rather long, number $i; done';
    bench.get('run', '-d', '--name', 'much', 'box', 'sh', '-c', script);
    bench.get('wait', 'much');
    const line = `${process.execPath} ${cliScript} logs --root ${bench.store.root} much | head -n 1`;
    expect(bench.run('sh', '-c', line)).toEqual({
      code: 0,
      stdout: 'a line that is rather long, number 1\n',
      stderr: '',
    });
    bench.get('rm', 'much');
  });

  test('logs keep standard error apart, of foreground runs too; -t, --tail, --since, --until', () => {
    const script = 'echo out; echo err >&2; echo last; printf end';
    expect(bench.do('run', '--name', 'talk', 'box', 'sh', '-c', script)).toEqual({
      code: 0,
      stdout: 'out\nlast\nend',
      stderr: 'err\n',
    });
    expect(bench.do('logs', 'talk')).toEqual({ code: 0, stdout: 'out\nlast\nend', stderr: 'err\n' });
    expect(bench.do('logs', '--tail', '1', 'talk').stdout).toBe('end');
    expect(bench.do('logs', '-t', 'talk').stdout).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z out\n/);
    expect(bench.do('logs', '--since', '1h', 'talk').stdout).toBe('out\nlast\nend');
    expect(bench.do('logs', '--until', '1h', 'talk').stdout).toBe('');
    bench.get('rm', 'talk');
  });

  test('who reads no more breaks the pipe; /dev/stdout can be opened by the user of the command', () => {
    expect(shell(`plyfs run ${ROOT()} --rm box sh -c 'while echo y; do :; done' | head -n1`).stdout).toBe(
      'y\n',
    );
    expect(
      bench.do('run', '--rm', '-u', 'app', 'box', 'sh', '-c', 'echo a >/dev/stdout; echo b >/dev/stderr'),
    ).toEqual({
      code: 0,
      stdout: 'a\n',
      stderr: 'b\n',
    });
  });

  test('attach and start -a end when nobody reads on, and the command goes on', () => {
    const ticks = ['sh', '-c', 'while echo tick; do sleep 0.1; done'];
    bench.get('run', '-d', '--name', 'ticks', 'box', ...ticks);
    expect(shell(`plyfs attach ${ROOT()} ticks | head -n1`)).toMatchObject({ stdout: 'tick\n', stderr: '' });
    bench.get('stop', '-t', '0', 'ticks');
    expect(shell(`plyfs start ${ROOT()} -a ticks | head -n1`)).toMatchObject({
      stdout: 'tick\n',
      stderr: '',
    });
    expect(state('ticks')).toMatch(/^running/);
    bench.get('rm', '-f', 'ticks');
  });

  test('exec -d goes on in the background', async () => {
    bench.get('run', '-d', '--name', 'host', 'box', 'sleep', '60');
    expect(bench.get('exec', '-d', 'host', 'sh', '-c', 'echo x > /made')).toBe('');
    await untilIs(() => bench.do('exec', 'host', 'cat', '/made').stdout, 'x\n');
    bench.get('rm', '-f', 'host');
  });
});

describe('mount and umount', { timeout: 120_000 }, () => {
  test('mount runs nothing, umount takes it back, a running one is refused without -f', () => {
    bench.get('create', '--name', 'tree', 'box', 'sleep', '60');
    const path = bench.get('container', 'mount', 'tree');
    expect(bench.run('cat', `${path}/etc/issue`).stdout).toBe('box\n');
    expect([state('tree'), bench.get('inspect', '-f', '{{.MountPoint}}', 'tree')]).toEqual([
      'created 0',
      path,
    ]);
    expect(bench.get('container', 'umount', 'tree')).toBe('tree');
    expect(bench.mounted()).toEqual([]);
    bench.get('start', 'tree');
    expect(bench.get('start', 'tree')).toBe('tree');
    expect(bench.do('container', 'umount', 'tree')).toMatchObject({
      code: 1,
      stderr:
        "plyfs container umount: cannot unmount container 'tree': it is running; 'plyfs stop tree' ends it first, or -f\n",
    });
    expect(bench.get('container', 'umount', '-f', 'tree')).toBe('tree');
    expect(state('tree')).toBe('exited 143');
    bench.get('rm', 'tree');
  });

  test('stop of several waits for them at once', () => {
    const names = ['slow-1', 'slow-2', 'slow-3'];
    const script = 'trap "" TERM; while :; do sleep 0.1; done';
    for (const name of names) bench.get('run', '-d', '--name', name, 'box', 'sh', '-c', script);
    expect(bench.get('stop', '-t', '4', ...names)).toBe(names.join('\n'));
    // One after the other they would end four seconds apart.
    const ends = names.map((name) => Date.parse(bench.get('inspect', '-f', '{{.State.FinishedAt}}', name)));
    expect(Math.max(...ends) - Math.min(...ends)).toBeLessThan(7_000);
    expect(names.map(state)).toEqual(['exited 137', 'exited 137', 'exited 137']);
    bench.get('rm', ...names);
  });
});
