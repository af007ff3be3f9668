/** What root of a container cannot reach: the host's Node, disks by an image's device nodes, /proc through links; and the questions of
 * test/isolation, answered as by Docker's containers. */

import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NOBODY, OrdinaryUser } from '../../acceptance/ordinary-user.js';
import { addImage, fillSystem } from '../../helpers/images.js';
import {
  type Answers,
  ASK,
  DEVIATIONS,
  dockerAnswers,
  fillQuestions,
  parseAnswers,
  ROOTLESS,
} from '../../isolation/ask.js';
import { ContainerBench } from './bench.js';

let bench: ContainerBench;
beforeAll(() => {
  bench = new ContainerBench('host');
  bench.addImages();
});
afterAll(() => bench.dispose());

const ATTACK = `
const fs = require('fs');
const tries = [() => fs.chmodSync('/proc/self/exe', 0o4755), () => fs.chownSync('/proc/self/exe', 1, 1),
  () => fs.utimesSync('/proc/self/exe', 1, 1), () => fs.openSync('/proc/self/exe', 'r+')];
console.log(tries.map((attempt) => { try { attempt(); return 'done'; } catch (error) { return error.code; } }).join());
`;

/** Node's libraries, so that it runs in the box. */
function libraries(): string[] {
  const { stdout } = spawnSync('ldd', [process.execPath], { encoding: 'utf8' });
  return [...stdout.matchAll(/(\/\S+)/g)].flatMap(([path]) => ['-v', `${path}:${path}:ro`]);
}

describe('the program that enters', () => {
  it('cannot be changed by what it enters, in run and exec', () => {
    const { mode, uid, mtimeMs } = statSync(process.execPath);
    const attack = ['/proc/self/exe', '-e', ATTACK];
    expect(bench.get('run', '--rm', ...libraries(), 'box', ...attack)).toBe('EROFS,EROFS,EROFS,ETXTBSY');
    bench.get('run', '-d', '--name', 'live', ...libraries(), 'box', 'sleep', '60');
    expect(bench.get('exec', 'live', ...attack)).toBe('EROFS,EROFS,EROFS,ETXTBSY');
    bench.get('rm', '-f', 'live');
    const now = statSync(process.execPath);
    expect([now.mode, now.uid, now.mtimeMs]).toEqual([mode, uid, mtimeMs]);
  });

  it('leaves no node of the host’s whose mode could be changed', () => {
    const script = 'exec 2>&1; chmod 600 /proc/keys /proc/timer_list; ls -l /proc/keys';
    expect(bench.sh(script)).toMatch(/Read-only file system\n(?:.*\n)?crw-rw-rw-/);
    expect(statSync('/dev/null').mode & 0o777).toBe(0o666);
  });
});

describe('a device node of the image', () => {
  it('opens nothing', () => {
    addImage(bench.store.root, { name: 'nodes:latest', config: { Env: ['PATH=/bin'] } }, [
      fillSystem,
      (directory) => spawnSync('mknod', [`${directory}/zero`, 'c', '1', '5']),
    ]);
    expect(bench.do('run', '--rm', 'nodes', 'cat', '/zero').stderr).toMatch(/Permission denied/);
  });
});

describe('an image whose names are not what they must be', () => {
  const BROKEN: readonly (readonly [string, (directory: string) => void, RegExp])[] = [
    ['/proc', link('proc', '/tmp'), /the image's \/proc is not a directory; /],
    ['/dev', file('dev'), /the image's \/dev is not a directory; /],
    ['/sys', link('sys', 'etc'), /the image's \/sys is not a directory; /],
    [
      '/etc/hostname',
      (directory) => mkdirSync(`${directory}/etc/hostname`, { recursive: true }),
      /the image's \/etc\/hostname is a directory; /,
    ],
    ['/etc/hosts', link('etc/hosts', '/proc/version'), /the image's \/etc\/hosts leads into \/proc; /],
  ];

  it.each(BROKEN)('is refused in plain words: %s', (name, breakIt, message) => {
    const image = `broken${name.replaceAll('/', '-')}`;
    addImage(bench.store.root, { name: `${image}:latest` }, [fillSystem, breakIt]);
    const { code, stderr } = bench.do('run', '--rm', image, 'ls');
    expect(code).toBe(125);
    expect(stderr).toMatch(message);
  });

  function link(name: string, target: string) {
    return (directory: string) => {
      mkdirSync(dirname(`${directory}/${name}`), { recursive: true });
      symlinkSync(target, `${directory}/${name}`);
    };
  }

  function file(name: string) {
    return (directory: string) => writeFileSync(`${directory}/${name}`, '');
  }
});

/** Exchanges the mount points of /proc, /dev and /sys with a link and another directory, as quick as it can. */
const FLIP = `
chdir $ARGV[0] or die "$!\n"; symlink("other", "link"); mkdir "other";
my ($end, $flips) = (time + 8, 0);
while (time < $end) {
  for my $name ("proc", "dev", "sys") {
    for my $with ("link", "link", "other", "other") {
      my ($one, $two) = ($name, $with);
      $flips++ if syscall(${process.arch === 'arm64' ? 276 : 316}, -100, $one, -100, $two, 2) == 0;
    }
  }
}
print $flips;
`;

describe('names that change while a command enters', () => {
  it('never make what belongs to the host writable', async () => {
    const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim();
    bench.get('create', '--name', 'flipping', 'box', 'sleep', '60');
    const root = bench.get('container', 'mount', 'flipping');
    const flip = spawn('perl', ['-e', FLIP, root]);
    let flips = '';
    flip.stdout.setEncoding('utf8').on('data', (chunk) => (flips += chunk));
    const script =
      'for at in /proc /other /link; do echo "$PATTERN" > $at/sys/kernel/core_pattern && echo written; done; exit 0';
    while (flip.exitCode === null) {
      // Refused, or entered: with what the names lead to at that time.
      const { stdout } = bench.do('exec', '-e', `PATTERN=${pattern}`, 'flipping', 'sh', '-c', script);
      expect(stdout).not.toMatch(/written/);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(Number(flips)).toBeGreaterThan(1_000);
    bench.get('rm', '-f', 'flipping');
  }, 120_000);
});

/** Only what differs, so that a failure names the questions. */
function wrong(stdout: string, expected: Answers): string[] {
  const answers = parseAnswers(stdout);
  const names = new Set([...expected.keys(), ...answers.keys()]);
  return [...names]
    .filter((name) => answers.get(name) !== expected.get(name))
    .map((name) => `${name}: ${answers.get(name)}, and not ${expected.get(name)}`);
}

const EXPECTED: Answers = new Map([...dockerAnswers(), ...DEVIATIONS]);

describe.runIf(process.arch === 'x64')('what is asked from inside', () => {
  beforeAll(() => addImage(bench.store.root, { name: 'asker:latest' }, [fillSystem, fillQuestions]));

  it('is answered as in Docker: run, and start and exec', () => {
    expect(wrong(bench.get('run', '--rm', 'asker', ...ASK), EXPECTED)).toEqual([]);
    bench.get('create', '--name', 'asked', 'asker', 'sleep', '60');
    bench.get('start', 'asked');
    expect(wrong(bench.get('exec', 'asked', ...ASK), EXPECTED)).toEqual([]);
    expect(wrong(bench.get('exec', '-u', '0:0', '-w', '/tmp', 'asked', ...ASK), EXPECTED)).toEqual([]);
    bench.get('stop', '-t', '0', 'asked');
    bench.get('container', 'mount', 'asked');
    expect(wrong(bench.get('exec', 'asked', ...ASK), EXPECTED)).toEqual([]);
    bench.get('rm', '-f', 'asked');
  }, 120_000);

  it('is answered so in RUN of a build', () => {
    mkdirSync(`${bench.root}/context`);
    const run = `RUN ${JSON.stringify(ASK)}`;
    writeFileSync(`${bench.root}/context/Dockerfile`, `FROM asker\n${run}\n`);
    const { code, stderr } = bench.do('image', 'build', '-q', `${bench.root}/context`);
    expect([code, wrong(stderr, EXPECTED)]).toEqual([0, []]);
  }, 120_000);

  it('is answered so in an ordinary user’s container, RUN as well', () => {
    const user = new OrdinaryUser('context');
    using _clean = {
      [Symbol.dispose]: () => {
        user.plyfs('rm', '-f', 'asked');
        user.dispose();
      },
    };
    const system = `${user.root}/system`;
    mkdirSync(system);
    fillSystem(system);
    fillQuestions(system);
    spawnSync('tar', ['-C', system, '--owner=65534', '--group=65534', '-cf', `${user.home}/asker.tar`, '.']);
    const say = (...args: string[]) => {
      const { status, stdout, stderr } = user.plyfs(...args);
      if (status !== 0) throw new Error(`plyfs ${args.join(' ')}: ${stderr}`);
      return { stdout, stderr };
    };
    say('image', 'import', '-c', 'ENV PATH=/bin', 'asker.tar', 'asker');
    const expected: Answers = new Map([...EXPECTED, ...ROOTLESS]);
    expect(wrong(say('run', '--rm', 'asker', ...ASK).stdout, expected)).toEqual([]);
    say('run', '-d', '--name', 'asked', 'asker', 'sleep', '60');
    expect(wrong(say('exec', 'asked', ...ASK).stdout, expected)).toEqual([]);
    const option = ['--security-opt', 'seccomp=unconfined'];
    const bare = parseAnswers(say('run', '--rm', ...option, 'asker', ...ASK).stdout);
    for (const [name, answer] of bare)
      if (/^(?:remount|umount|move|bind) /.test(name)) expect([name, answer]).toEqual([name, 'refused']);
    expect(bare.get('unshare -Ur and umount /proc/sys')).toBe('refused');
    writeFileSync(`${user.home}/context/Dockerfile`, `FROM asker\nRUN ${JSON.stringify(ASK)}\n`);
    spawnSync('chown', ['-R', `${NOBODY.uid}:${NOBODY.gid}`, `${user.home}/context`]);
    expect(wrong(say('image', 'build', '-q', 'context').stderr, expected)).toEqual([]);
  }, 120_000);
});

it('RUN --security=insecure has all rights where the build allows it, and is refused elsewhere', () => {
  const directory = `${bench.root}/insecure`;
  mkdirSync(directory);
  const commands = 'cat /proc/self/status >&2; mkdir /tmp/m; echo ran >&2';
  writeFileSync(`${directory}/Dockerfile`, `FROM box\nRUN --security=insecure ${commands}\n`);
  const refused = bench.do('image', 'build', '-q', directory);
  expect([refused.code, refused.stdout]).toEqual([1, '']);
  expect(refused.stderr).toMatch(
    /line 2: RUN: '--security=insecure' is not allowed; give the build --allow security.insecure/,
  );
  const allowed = bench.do('image', 'build', '-q', '--allow', 'security.insecure', directory);
  expect([allowed.code, allowed.stderr.trim().split('\n').at(-1)]).toEqual([0, 'ran']);
  expect(allowed.stderr).toMatch(/Seccomp:\t0\n/);
  // CAP_SYS_ADMIN among them.
  expect(allowed.stderr).toMatch(/CapEff:\t0000[0-9a-f]{6}[2367abef][0-9a-f]{5}\n/);
  expect(bench.do('image', 'build', '-q', '--allow', 'everything', directory).stderr).toMatch(
    /the entitlement 'everything' cannot be had/,
  );
}, 120_000);

it('a signal that a command sends to its own group stays in the container', () => {
  const kill = ['sh', '-c', 'kill -HUP 0; kill -STOP 0; echo on'];
  expect(bench.do('run', '--rm', 'box', ...kill)).toMatchObject({ code: 0, stdout: 'on\n' });
  bench.get('run', '-d', '--name', 'grouped', 'box', 'sleep', '60');
  expect(bench.do('exec', 'grouped', 'sh', '-c', 'kill -KILL 0')).toMatchObject({ code: 137 });
  expect(bench.get('inspect', '-f', '{{.State.Running}}', 'grouped')).toBe('true');
  bench.get('rm', '-f', 'grouped');
}, 120_000);

it('a network of its own lets everybody have low ports and ICMP, as in Docker', () => {
  const script = 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/net/ipv4/ping_group_range';
  expect(bench.get('run', '--rm', '--network', 'none', 'box', 'sh', '-c', script)).toBe('0\n0\t2147483647');
  const options = ['--network', 'none', '--sysctl', 'net.ipv4.ip_unprivileged_port_start=80'];
  expect(bench.get('run', '--rm', ...options, 'box', 'sh', '-c', script)).toMatch(/^80\n/);
}, 120_000);
