/** The daemon killed again and again under programs that work in its mount: no call of theirs fails, no byte differs. */

import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ContainerBench } from '../cli/container/bench.js';
import { isGone, until, untilIs, Workbench } from '../cli/plyfs-run.js';
import { projectRoot } from '../helpers/project-paths.js';

const CALLS = fileURLToPath(new URL('random-calls.py', import.meta.url));
const FILE = fileURLToPath(new URL('random-file.py', import.meta.url));
const KILLS = 6;
const LONG_MS = 60_000;

let bench: Workbench;
beforeEach(() => {
  bench = new Workbench('layer/tree/sub', 'upper', 'm', 'host');
  bench.env.PLYFS_KEEPER = 'on';
  for (let index = 0; index < 100; index++)
    writeFileSync(join(bench.root, `layer/tree/sub/file${index}`), `content ${index}\n`.repeat(index));
  const over = ['-v', './host:/deep/bound', '--tmpfs', '/tmp'];
  expect(bench.plyfs('mount', '-l', 'layer', '--upper', 'upper', ...over, 'm')).toEqual({
    ...{ code: 0, stdout: '', stderr: '' },
  });
});
afterEach(() => {
  bench.plyfs('umount', '--lazy', 'm');
  bench.dispose();
});

interface State {
  readonly pid: number;
  readonly keeper?: { readonly pid: number };
}

function state(of: Workbench = bench): State {
  return JSON.parse(
    readFileSync(join(of.runDirectory, 'mounts', of.runIds()[0]!, 'state.json'), 'utf8'),
  ) as State;
}

function command(pid: number): string {
  return isGone(pid) ? '' : readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
}

/** Kills the daemon, and waits until another serves; 'twice': the next one too, as it begins. */
async function kill(how: 'once' | 'twice' = 'once', of = bench): Promise<void> {
  const { pid, keeper } = state(of);
  const next = keeper!.pid;
  process.kill(pid, 'SIGKILL');
  if (how === 'twice') {
    // One that stands by has no keeper until it takes over.
    await until(() => !/^(?:sh|plyfs keeper.*)$/.test(command(next)), LONG_MS);
    process.kill(next, 'SIGKILL');
  }
  const isNext = (now: number): boolean => (how === 'once' ? now === next : ![pid, next].includes(now));
  await until(() => isNext(state(of).pid), LONG_MS);
}

/** @returns its output when it has ended. */
function background(script: string): Promise<string> {
  const child = spawn('bash', ['-c', script], { cwd: bench.root, env: bench.env });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  return new Promise((resolve) => child.on('close', (code) => resolve(`${output}status ${code}`)));
}

test('programs work on while daemons are killed', async () => {
  const stop = join(bench.root, 'stop');
  const many = 'until [ -e stop ]; do i=$((i+1));';
  const programs = [
    `python3 '${CALLS}' m/calls1 1 stop`,
    `python3 '${CALLS}' m/deep/bound/calls2 2 stop`,
    `python3 '${CALLS}' m/tmp/calls3 3 stop`,
    `python3 '${FILE}' m/file 4 stop`,
    `python3 '${FILE}' m/deep/bound/file 5 stop`,
    `${many} mkdir m/t$i && tar -C layer -cf - . | tar -C m/t$i -xf - && diff -r layer m/t$i && rm -rf m/t$i || exit 1; done`,
    `${many} chmod 600 m/tree/sub/file$((i % 100)) && mv m/tree/sub m/tree/moved && mv m/tree/moved m/tree/sub &&
      [ $(ls m/tree/sub | wc -l) = 100 ] || exit 1; done`,
    `exec 5>> m/appended; ${many} echo $i >&5 || exit 1; sleep 0.01; done; seq $i | cmp - m/appended`,
  ].map(background);
  for (let count = 0; count < KILLS; count++) {
    await until(() => existsSync(join(bench.root, 'upper', 'calls1')), LONG_MS);
    await new Promise((resolve) => setTimeout(resolve, 100 * count));
    await kill(count % 3 === 2 ? 'twice' : 'once');
  }
  writeFileSync(stop, '');
  const outputs = await Promise.all(programs);
  expect(outputs.map((output) => output.replace(/\d+ calls\n/, ''))).toEqual(programs.map(() => 'status 0'));
  expect(bench.plyfs('umount', 'm')).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(bench.runIds()).toEqual([]);
}, 240_000);

test('a keeper that is killed is replaced; with both gone the mount is dead, and umount takes it away', async () => {
  const first = state();
  process.kill(first.keeper!.pid, 'SIGKILL');
  await until(() => state().keeper?.pid !== first.keeper!.pid, LONG_MS);
  await kill();
  const second = state();
  process.kill(second.keeper!.pid, 'SIGKILL');
  await until(() => state().keeper?.pid !== second.keeper!.pid, LONG_MS);
  expect(bench.run('cat', 'm/tree/sub/file1').stdout).toBe('content 1\n');
  const last = state();
  process.kill(last.keeper!.pid, 'SIGSTOP');
  process.kill(last.pid, 'SIGKILL');
  process.kill(last.keeper!.pid, 'SIGKILL');
  await until(() => isGone(last.pid) && isGone(last.keeper!.pid), LONG_MS);
  expect(bench.run('ls', 'm').stderr).toMatch(/not connected|connection abort/);
  expect(bench.listed('{{.Status}}')).toEqual(['/m no daemon']);
  expect(bench.plyfs('umount', 'm')).toEqual({ code: 0, stdout: '', stderr: '' });
}, 120_000);

/** @returns the command of another plyfs that is installed here. @param changes of its programs. */
function otherVersion(changes: readonly (readonly [RegExp, string])[] = []): string {
  const home = join(bench.root, 'other');
  const programs = join(home, 'dist/bin');
  mkdirSync(home);
  cpSync(dirname(bench.cli), programs, { recursive: true });
  symlinkSync(join(projectRoot, 'node_modules'), join(home, 'node_modules'));
  const manifest = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as object;
  writeFileSync(join(home, 'package.json'), JSON.stringify({ ...manifest, version: '99.0.0' }));
  for (const [text, other] of changes) {
    const files = readdirSync(programs).filter((name) =>
      text.test(readFileSync(join(programs, name), 'utf8')),
    );
    expect(files).not.toEqual([]);
    for (const path of files.map((name) => join(programs, name)))
      writeFileSync(path, readFileSync(path, 'utf8').replace(text, other));
  }
  return join(programs, basename(bench.cli));
}

test('a request that a thread never comes to the end of is answered EIO, and the mount goes on', async () => {
  const mknod = 8;
  const cli = otherVersion([
    [/\bLOOK_MS = [\w.]+/, 'LOOK_MS = 200'],
    [/\bLOOP_MS = [\w.]+/, 'LOOP_MS = 300'],
    [/function performOperation\(operation, x\) \{/, `$&if (operation.opcode === ${mknod}) for (;;);`],
  ]);
  for (const name of ['m2', 'upper2']) mkdirSync(join(bench.root, name));
  expect(bench.run('node', cli, 'mount', '-l', 'layer', '--upper', 'upper2', 'm2').code).toBe(0);
  const program = background('exec 5> m2/open; mkfifo m2/pipe; echo written >&5; cat m2/open');
  expect(await program).toBe("mkfifo: cannot create fifo 'm2/pipe': Input/output error\nwritten\nstatus 0");
  const log = bench.run('node', cli, 'daemon', 'log').stdout;
  expect(log.match(/a serving thread makes no progress/g)).toHaveLength(3);
  expect(log).toMatch(/MKNOD node=1 pid=\d+ has ended 3 processes: answered EIO/);
  expect(bench.run('node', cli, 'umount', 'm2').code).toBe(0);
}, 120_000);

test.each([
  ['with mount(2)', /session\.serve\(fuseFd, locks, /],
  ['before it has told its keeper', /if \(this\.#features\.resend === true && !session\.isNotKept\)/],
  [
    'before it has said whose the mount is',
    /const state = this\.state\(\);\s*writeRunState\(directory, state\);/,
  ],
  ['before it has said so', /this\.#hooks\.onMounted\(state\);/],
])(
  'a mount stands whose daemon is killed %s',
  (_when, step) => {
    const dies = `{ const { existsSync, writeFileSync } = process.getBuiltinModule('node:fs');
    if (!existsSync('${bench.root}/died')) { writeFileSync('${bench.root}/died', ''); process.kill(process.pid, 'SIGKILL'); } } $&`;
    const cli = otherVersion([[step, dies]]);
    mkdirSync(join(bench.root, 'm2'));
    const mount = bench.run('node', cli, 'mount', '-l', 'layer', 'm2');
    expect(mount).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(existsSync(join(bench.root, 'died'))).toBe(true);
    expect(bench.run('cat', 'm2/tree/sub/file1').stdout).toBe('content 1\n');
    expect(bench.run('node', cli, 'umount', 'm2').code).toBe(0);
  },
  120_000,
);

test('while much is asked the keeper stands by, takes over, and ends with the mount', async () => {
  const much = background(
    `python3 -c 'import os, time\nwhile not os.path.exists("stop"): os.statvfs("m"); time.sleep(0.0005)'`,
  );
  await until(() => command(state().keeper!.pid).startsWith('plyfs keeper'), LONG_MS);
  await kill();
  await until(() => command(state().keeper!.pid).startsWith('plyfs keeper'), LONG_MS);
  const { pid } = state().keeper!;
  writeFileSync(join(bench.root, 'stop'), '');
  expect(await much).toBe('status 0');
  expect(bench.plyfs('umount', 'm')).toEqual({ code: 0, stdout: '', stderr: '' });
  await until(() => isGone(pid), LONG_MS);
}, 120_000);

test('a restart is another process, an upgrade another plyfs, and a stop the end of it', () => {
  const first = state();
  const script = `exec 5> m/open; node '${bench.cli}' daemon restart >&2; echo written >&5; cat m/open`;
  const { code, stdout, stderr } = bench.run('sh', '-c', script);
  const said = `${first.keeper!.pid} serves what ${first.pid} served\n`;
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'written\n', stderr: said });
  const status = bench.plyfs('daemon', 'status', '--format', '{{.Pid}} {{.TookOver}} {{.Outlives}}').stdout;
  expect(status).toBe(`${first.keeper!.pid} true true\n`);
  expect(bench.plyfs('daemon', 'log').stdout).toMatch(/^\S+Z took over: \d+ names found in \d+ ms\n$/);
  const other = otherVersion();
  const upgraded = bench.run('node', other, 'daemon', 'upgrade');
  expect(upgraded).toEqual({
    code: 0,
    stdout: expect.stringMatching(/^\d+ serves what \d+ served\n$/),
    stderr: '',
  });
  expect(bench.run('node', other, 'daemon', 'upgrade').stdout).toMatch(/^\d+ runs plyfs 99\.0\.0 already\n$/);
  expect(bench.run('cat', 'm/open').stdout).toBe('written\n');
  expect(bench.plyfs('daemon', 'stop').stderr).toBe(
    "plyfs daemon stop: '/m' is mounted; plyfs daemon stop --unmount\n",
  );
  expect(bench.plyfs('daemon', 'stop', '--unmount')).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(bench.mounted()).toEqual([]);
  expect(isGone(first.keeper!.pid)).toBe(true);
}, 120_000);

test('a container goes on, and so do its mounts, those that were changed too', async () => {
  const own = new ContainerBench('host');
  try {
    own.env.PLYFS_KEEPER = 'on';
    own.addImages();
    const script =
      'while echo line >> /own && echo line >> /vol/a && echo line >> /tmp/a; do :; done; echo failed';
    const mounts = ['-v', 'vol:/vol', '-v', './host:/host', '--tmpfs', '/tmp'];
    own.get('run', '-d', '--name', 'box1', ...mounts, 'box', 'sh', '-c', script);
    await kill('once', own);
    own.get('container', 'mount-add', 'box1', './host:/added');
    own.get('container', 'mount-rm', 'box1', '/host');
    own.get('exec', 'box1', 'sh', '-c', 'echo first > /etc/issue');
    own.get('snapshot', 'create', 'box1', 'now');
    own.get('exec', 'box1', 'sh', '-c', 'rm /full/one');
    expect(own.plyfs('daemon', 'status', '--format', '{{.Outlives}}').stdout).toBe('true\n');
    await kill('twice', own);
    own.get('snapshot', 'create', 'box1', 'later');
    await kill('once', own);
    expect(own.get('exec', 'box1', 'sh', '-c', 'cat /etc/issue; echo /full/*')).toBe('first\n/full/two');
    expect(own.get('snapshot', 'ls', '-q', 'box1').split('\n').sort()).toEqual(['later', 'now']);
    const merged = own.get('container', 'inspect', '--format', '{{.MountPoint}}', 'box1');
    expect(own.run('sh', '-c', 'echo seen > "$0/added/x" && cat host/x', merged).stdout).toBe('seen\n');
    expect(own.run('ls', `${merged}/host`).stderr).toContain('No such file');
    expect(
      own.get('exec', 'box1', 'sh', '-c', 'cat /added/x; test -s /own && test -s /vol/a && test -s /tmp/a'),
    ).toBe('seen');
    expect(own.plyfs('daemon', 'status', '--format', '{{.Outlives}}').stdout).toBe('true\n');
    expect(own.get('logs', 'box1')).toBe('');
    own.get('rm', '-f', 'box1');
    own.get('volume', 'rm', 'vol');
    expect(own.runIds()).toEqual([]);
  } finally {
    own.dispose();
  }
}, 120_000);

test('mounts with a process of their own go on: of a daemon, and of a command in the foreground', async () => {
  for (const name of ['m2', 'm3']) mkdirSync(join(bench.root, name));
  bench.env.PLYFS_DAEMON = 'own';
  expect(bench.plyfs('mount', '-l', 'layer', '-v', './host:/deep/bound', 'm2').code).toBe(0);
  delete bench.env.PLYFS_DAEMON;
  const foreground = bench.start(process.execPath, bench.cli, 'mount', '-f', '-l', 'layer', 'm3');
  const serving = (): string[] =>
    bench.plyfs('daemon', 'status', '--format', '{{.Mountpoint}} {{.Pid}} {{.Outlives}}').stdout.split('\n');
  const pidOf = (name: string): number =>
    Number(
      serving()
        .find((line) => line.includes(`/${name} `))
        ?.split(' ')[1] ?? 0,
    );
  await untilIs(() => pidOf('m3'), foreground.pid, LONG_MS);
  const program = background(
    'exec 5> m2/deep/bound/open 6< m3/tree/sub/file1; echo 1 >&5; touch began; until [ -e go ]; do sleep 0.1; done; echo 2 >&5; cat <&6',
  );
  await until(() => existsSync(join(bench.root, 'began')), LONG_MS);
  const before = ['m2', 'm3'].map(pidOf);
  for (const pid of before) process.kill(pid, 'SIGKILL');
  expect(bench.run('ls', 'm2/tree/sub', 'm3/tree').code).toBe(0);
  writeFileSync(join(bench.root, 'go'), '');
  expect(await program).toBe('content 1\nstatus 0');
  expect(readFileSync(join(bench.root, 'host/open'), 'utf8')).toBe('1\n2\n');
  const after = ['m2', 'm3'].map(pidOf);
  expect(after.filter((pid) => pid === 0 || before.includes(pid))).toEqual([]);
  expect(serving().filter((line) => line.endsWith(' false'))).toEqual([]);
  for (const name of ['m2', 'm3'])
    expect(bench.plyfs('umount', name)).toEqual({ code: 0, stdout: '', stderr: '' });
  await until(() => after.every(isGone), LONG_MS);
}, 120_000);

test('a mount that cannot be taken over is dead, and keeps nobody waiting', async () => {
  const { pid, keeper } = state();
  renameSync(join(bench.root, 'layer'), join(bench.root, 'elsewhere'));
  process.kill(pid, 'SIGKILL');
  expect(bench.run('ls', 'm').stderr).toMatch(/not connected|connection abort/);
  expect(bench.listed('{{.Status}}')).toEqual(['/m no daemon']);
  expect(bench.plyfs('umount', 'm')).toEqual({ code: 0, stdout: '', stderr: '' });
  await until(() => isGone(keeper!.pid), LONG_MS);
}, 120_000);
