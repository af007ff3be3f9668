/**
 * Commands in containers: what they see, who they are, how they end, and that nothing is left of them.
 */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { cliScript, isGone, until, untilIs } from '../plyfs-run.js';
import { ContainerBench } from './bench.js';

let bench: ContainerBench;
beforeAll(() => {
  bench = new ContainerBench('host');
  bench.addImages();
});
afterAll(() => bench.dispose());
afterEach(() => {
  expect(bench.mounted()).toEqual([]);
});

const clean = (name: string) => bench.get('container', 'rm', '-f', name);

describe('plyfs run', () => {
  test('runs CMD of the image, or the command given', () => {
    expect(bench.get('run', '--rm', 'box')).toBe('default');
    expect(bench.get('run', '--rm', 'box', 'sh', '-c', 'echo "$0 $*"', '-v', 'two words')).toBe(
      '-v two words',
    );
  });

  test('is process 1 of its namespace, with /proc, /dev and /sys', () => {
    const lines = bench
      .sh(
        'echo $$; readlink /proc/self/ns/pid > /dev/null && echo proc; ls -d /sys/kernel; ls /dev; echo x > /dev/null; ls -ld /dev/shm',
      )
      .split('\n');
    expect(lines.slice(0, 3)).toEqual(['1', 'proc', '/sys/kernel']);
    expect(lines).toEqual(
      expect.arrayContaining([
        'null',
        'zero',
        'full',
        'random',
        'urandom',
        'tty',
        'ptmx',
        'pts',
        'shm',
        'fd',
      ]),
    );
    expect(lines.at(-1)).toMatch(/^drwxrwxrwt/);
  });

  test('has names, variables, directory and user as asked', () => {
    const out = bench.sh(
      'hostname; cat /etc/hostname; echo $A:$HOME:$HOSTNAME; pwd; id',
      '--hostname',
      'box1',
      '-e',
      'A=b',
      '-w',
      '/new/dir',
      '-u',
      'app',
    );
    expect(out.split('\n')).toEqual([
      'box1',
      'box1',
      'b:/home/app:box1',
      '/new/dir',
      'uid=1000(app) gid=1000(app) groups=1000(app),2000(extra)',
    ]);
  });

  test('sees nothing of the host: not its tree, processes or terminals', () => {
    expect(bench.sh('echo /proc/[0-9]*; test -e /work || echo none')).toBe('/proc/1\nnone');
    expect(bench.sh('ls /dev/pts')).toBe('ptmx');
  });

  test('leaves nothing of /proc, /dev, /etc/hosts in upper, and shows /etc/resolv.conf of the host', () => {
    const expected = existsSync('/etc/resolv.conf') ? readFileSync('/etc/resolv.conf', 'utf8').trimEnd() : '';
    expect(bench.get('run', '--name', 'trace', 'box', 'cat', '/etc/resolv.conf')).toBe(expected);
    expect(bench.get('diff', 'trace')).toBe('');
    clean('trace');
  });

  test.each([
    [['sh', '-c', 'exit 7'], 7, ''],
    [['sh', '-c', 'kill -KILL $(sh -c "echo \\$PPID") & sleep 5 & wait; exit 3'], 3, ''],
    [['nosuch'], 127, 'plyfs run: exec: "nosuch": executable file not found in $PATH\n'],
    [['/no/such'], 127, 'plyfs run: exec: "/no/such": no such file or directory\n'],
    [['/etc'], 126, 'plyfs run: exec: "/etc": is a directory\n'],
    [['/etc/passwd'], 126, 'plyfs run: exec: "/etc/passwd": permission denied\n'],
  ])('%j ends with %i', (command, code, stderr) => {
    expect(bench.do('run', '--rm', 'box', ...command)).toEqual({ code, stdout: '', stderr });
    expect(bench.get('ps', '-aq')).toBe('');
  });

  test('what plyfs itself cannot do ends with 125', () => {
    expect(bench.do('run', 'none')).toMatchObject({
      code: 125,
      stderr: expect.stringContaining("no such image: 'none'"),
    });
    expect(bench.do('run', '--rm', '-u', 'nobody', 'box')).toMatchObject({
      code: 125,
      stderr: 'plyfs run: unable to find user nobody: no matching entries in passwd file\n',
    });
    expect(bench.do('run', '--rm', '-w', '/etc/passwd', 'box')).toMatchObject({ code: 125 });
    expect(bench.do('run', '--rm', '--entrypoint', '', 'box').code).toBe(125);
    expect(bench.get('ps', '-aq')).toBe('');
  });

  test('standard input comes through with -i, and is empty without', () => {
    writeFileSync(`${bench.root}/host/input`, 'typed');
    const run = (flag: string) =>
      bench.run(
        'sh',
        '-c',
        `node ${cliScript} run --root ${bench.store.root} --rm ${flag} box cat < host/input`,
      );
    expect(run('-i').stdout).toBe('typed');
    expect(run('').stdout).toBe('');
  });

  test('--read-only: the root is, mounts over it are not', () => {
    expect(
      bench.sh('echo x 2>&1 > /etc/x; echo y > /tmp/y && cat /tmp/y', '--read-only', '--tmpfs', '/tmp'),
    ).toContain('y');
    expect(bench.do('run', '--rm', '--read-only', 'box', 'touch', '/etc/x').code).toBe(1);
  });

  test('root has few capabilities unless --privileged', () => {
    const bounding = (...flags: string[]) =>
      bench.sh(
        'while read key value; do case $key in CapBnd:) echo $value;; esac; done < /proc/self/status',
        ...flags,
      );
    expect(bounding()).toBe('00000000a00425fb');
    expect(BigInt(`0x${bounding('--privileged')}`)).toBeGreaterThan(0xa00425fbn);
  });

  test('system calls are filtered in run and exec, unless --privileged', () => {
    const filter =
      'while read key value; do case $key in Seccomp:) echo $value;; esac; done < /proc/self/status';
    const status = (...args: string[]) => bench.get(...args, 'sh', '-c', filter);
    expect(status('run', '--rm', 'box')).toBe('2');
    expect(status('run', '--rm', '--privileged', 'box')).toBe('0');
    bench.get('run', '-d', '--name', 'filtered', 'box', 'sleep', '100');
    expect(status('exec', 'filtered')).toBe('2');
    bench.get('rm', '-f', 'filtered');
  });

  test.each([
    'SIGTERM',
    'SIGINT',
    'SIGHUP',
    'SIGUSR1',
  ] as const)('%s ends a command that does not handle it', async (signal) => {
    const child = bench.start(
      process.execPath,
      cliScript,
      'run',
      '--root',
      bench.store.root,
      '--name',
      'sig',
      'box',
      'sleep',
      '60',
    );
    await until(() => bench.do('container', 'inspect', '-f', '{{.State.Pid}}', 'sig').stdout.trim() > '0');
    const ended = new Promise((resolve) => child.on('exit', (code) => resolve(code)));
    child.kill(signal);
    expect(await ended).toBe({ SIGTERM: 143, SIGINT: 130, SIGHUP: 129, SIGUSR1: 138 }[signal]);
    clean('sig');
  }, 120_000);

  test('-d prints the id; ps, exec, logs, stop and wait know it', async () => {
    const script = 'trap "echo bye; exit 3" TERM; echo up; while :; do sleep 0.1; done';
    const id = bench.get('run', '-d', '--name', 'service', 'box', 'sh', '-c', script);
    expect(bench.get('ps', '-q', '--no-trunc')).toBe(id);
    expect(bench.get('exec', 'service', 'readlink', '/proc/1/exe')).toMatch(/sh$/);
    expect(
      bench.do(
        'exec',
        '-w',
        '/tmp',
        '-e',
        'X=y',
        '-u',
        '1000',
        'service',
        'sh',
        '-c',
        'id -u; pwd; echo $X; exit 9',
      ),
    ).toEqual({
      code: 9,
      stdout: '1000\n/tmp\ny\n',
      stderr: '',
    });
    expect(bench.do('container', 'rm', 'service')).toEqual({
      code: 1,
      stdout: '',
      stderr:
        "plyfs container rm: cannot remove container 'service': container is running; stop the container before removing or force remove\n",
    });
    expect(bench.get('container', 'stop', 'service')).toBe('service');
    expect(bench.get('container', 'logs', 'service')).toBe('up\nbye');
    expect(bench.get('container', 'wait', 'service')).toBe('3');
    expect(bench.get('ps', '-a', '--format', '{{.Names}} {{.State}} {{.ExitCode}}')).toBe('service exited 3');
    expect(bench.do('exec', 'service', 'id')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("container 'service' is not running"),
    });
    clean('service');
  }, 120_000);

  test('-d tells when the command cannot run', () => {
    expect(bench.do('run', '-d', '--rm', 'box', 'nosuch')).toMatchObject({ code: 127, stdout: '' });
    expect(bench.get('ps', '-aq')).toBe('');
  });

  test('start runs the recorded command again, over what the last run left', () => {
    bench.get('run', '--name', 'again', 'box', 'sh', '-c', 'echo x >> /count; cat /count');
    expect(bench.get('container', 'start', '-a', 'again')).toBe('x\nx');
    expect(bench.get('container', 'start', 'again')).toBe('again');
    bench.get('container', 'wait', 'again');
    expect(bench.get('container', 'logs', 'again')).toBe('x\nx\nx\nx\nx\nx');
    clean('again');
  });

  test('exec in a container that is only mounted has namespaces of its own; stop ends it', async () => {
    bench.get('container', 'create', '--name', 'idle', 'box');
    bench.get('container', 'mount', 'idle');
    expect(bench.get('exec', 'idle', 'sh', '-c', 'echo $$; echo x > /made')).toBe('1');
    const child = startExec('idle');
    const look = `for c in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$c; echo; done 2>/dev/null | grep -x 'sleep ${OWN_SLEEP} '`;
    await until(() => bench.run('sh', '-c', look).stdout !== '');
    bench.get('container', 'stop', 'idle');
    await until(() => isGone(child.pid ?? 0));
    expect(bench.get('diff', 'idle')).toBe('A /made');
    clean('idle');
  }, 120_000);

  test('stop also ends what exec is still starting', async () => {
    bench.get('container', 'create', '--name', 'hasty', 'box');
    for (const delayMs of [0, 30, 60, 90, 120, 150]) {
      // A mount namespace that another test has made meanwhile keeps the mount before, and so its upper, until it ends.
      await untilIs(() => bench.do('container', 'mount', 'hasty').code, 0);
      const child = startExec('hasty');
      const ended = new Promise((resolve) => child.once('exit', resolve));
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      bench.get('container', 'stop', 'hasty');
      // 1: it says that the container does not run.
      expect([1, 137]).toContain(await ended);
    }
    clean('hasty');
  }, 120_000);
});

function startExec(container: string) {
  return bench.start(
    process.execPath,
    cliScript,
    'exec',
    '--root',
    bench.store.root,
    container,
    'sleep',
    OWN_SLEEP,
  );
}

/** Other tests that run at the same time sleep too, and so does this one of somebody else on this machine. */
const OWN_SLEEP = `60.${process.pid}`;
