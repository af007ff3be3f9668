/** `plyfs try`: what a command writes lands in the draft, and the host stays as it is. */

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { cliScript, until, untilIs } from '../plyfs-run.js';
import { DraftBench } from './draft-bench.js';

let bench: DraftBench;
beforeEach(() => {
  bench = new DraftBench();
  bench.outside(`
    mkdir -p d/e; echo one > f; echo two > d/e/g; ln f h; ln -s f s
    setfattr -n user.x -v y f; chmod 640 d/e/g; touch -d '2020-01-02 03:04:05.678901234' f d`);
});
afterEach(() => bench.dispose());

test('nothing of the host changes, whatever a command does, and the draft keeps it', () => {
  const before = bench.listing();
  const wild = bench.try(
    'wild',
    'echo more >> f; rm -r d; mkdir d; echo new > d/n; mv s t; chown 12:34 h; chmod 4755 h; exit 7',
  );
  expect(wild).toEqual({ code: 7, stdout: '', stderr: '' });
  expect(bench.listing()).toBe(before);
  const again = bench.command(
    'enter',
    '-q',
    'wild',
    'sh',
    '-c',
    'cat f d/n; readlink t; stat -c %a:%u h f; ls',
  );
  expect(again).toEqual({
    code: 0,
    stdout: 'one\nmore\nnew\nf\n4755:12\n4755:12\nd\nf\nh\nt\n',
    stderr: '',
  });
  expect(bench.command('discard', 'wild').stdout).toBe('wild\n');
  expect(bench.listing()).toBe(before);
  expect(existsSync(join(bench.root, 'store/drafts/wild'))).toBe(false);
  expect(bench.mounted()).toEqual([]);
});

test('over the whole tree: other file systems are covered too, the store is hidden, the host is left alone', () => {
  bench.outside('mkdir disk; mount -t tmpfs -o mode=755 disk disk; echo old > disk/o');
  const { root, host } = bench;
  const script = `cd '${host}'; echo new > disk/o; echo x > f; rm -f /etc/hostname; ls '${root}/store' | wc -l
    test -e /proc/self/stat && test -c /dev/null && echo kernel`;
  const { code, stdout } = bench.command('try', '-q', '--name', 'all', 'sh', '-c', script);
  expect({ code, stdout }).toEqual({ code: 0, stdout: '0\nkernel\n' });
  expect(readFileSync(join(host, 'disk/o'), 'utf8')).toBe('old\n');
  expect(readFileSync(join(host, 'f'), 'utf8')).toBe('one\n');
  expect(existsSync('/etc/hostname')).toBe(true);
  const seen = bench.command('enter', '-q', 'all', 'sh', '-c', `cat '${host}/disk/o'; ls /etc/hostname`);
  expect(seen.stdout).toBe('new\n');
  expect(bench.command('drafts', '--format', '{{.Name}} {{.State}} {{.Over}} {{.ExitCode}}').stdout).toBe(
    'all idle / 2\n',
  );
});

test('beside the directories of -C and --over nothing can be written, and /tmp is empty', () => {
  const script = `echo x > '${bench.root}/stray' || echo refused; ls -A /tmp; echo t > /tmp/t && pwd`;
  const { stdout } = bench.try('narrow', script);
  // But for the way to the directory, where that lies there: it is the draft's own, and gone with it.
  const [, way] = /^\/tmp\/([^/]+)\//.exec(bench.host) ?? [];
  expect(stdout).toBe(`${way === undefined ? 'refused' : way}\n${bench.host}\n`);
  expect(existsSync(join(bench.root, 'stray'))).toBe(false);
});

test('what the host changes meanwhile is seen, and not what lies in the draft', () => {
  bench.try('live', 'echo mine > f');
  bench.outside('echo theirs > f2; echo theirs > f');
  expect(bench.try('live', 'cat f f2').stdout).toBe('mine\ntheirs\n');
});

test('exit status, missing commands, wrong names, and a draft in use', () => {
  expect(bench.try('codes', 'kill -TERM $$').code).toBe(143);
  const missing = bench.command('try', '--name', 'codes', '-C', 'host', 'no-such-program');
  expect(missing.code).toBe(127);
  expect(bench.command('try', '--name', '../x', 'true').stderr).toContain("invalid draft name '../x'");
  expect(bench.command('enter', 'nobody', 'true').stderr).toContain("no such draft: 'nobody'");
  expect(bench.command('try', '--over', '/proc/self', 'true').code).toBe(125);
  expect(bench.command('try', '--over', '/proc/self', 'true').stderr).toContain("is the running system's");
  expect(bench.command('try', '-C', 'store', 'true').stderr).toContain('lies in the store');
  const inside = bench.try(
    'codes',
    `exec '${process.execPath}' '${cliScript}' discard --root '${bench.root}/store' codes`,
  );
  expect(inside.stderr).toContain("no such draft: 'codes'");
});

test('a draft whose processes live on is in use until they end', async () => {
  bench.try('lasting', 'sleep 60 >/dev/null 2>&1 & echo $! > pid');
  expect(bench.command('drafts', '--format', '{{.Name}} {{.State}}').stdout).toBe('lasting in use\n');
  expect(bench.command('discard', 'lasting').stderr).toContain('is in use by processes');
  const pid = readFileSync(join(bench.root, 'store/drafts/lasting/areas/0/upper/pid'), 'utf8').trim();
  bench.run('kill', pid);
  const state = () => bench.command('drafts', '--format', '{{.State}}').stdout;
  await untilIs(() => state(), 'idle\n');
  expect(bench.command('discard', 'lasting').code).toBe(0);
});

test('a plyfs try that is killed while it starts leaves nothing that keeps the draft', async () => {
  bench.try('killed', 'true');
  const args = ['enter', '--root', join(bench.root, 'store'), '-q', 'killed', 'true'];
  for (const delayMs of [150, 400, 800]) {
    const started = bench.start(process.execPath, bench.cli, ...args);
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    started.kill('SIGKILL');
    await untilIs(() => bench.try('killed', 'exit 3').code, 3);
  }
  await untilIs(() => bench.command('discard', 'killed').code, 0);
});

test('a cache of the user beside what the draft covers can be written, and what is written there is gone with the command', () => {
  // A draft of one directory has a /tmp of its own, below which TMPDIR may lie.
  const home = mkdtempSync(join(homedir(), '.plyfs-test-'));
  onTestFinished(() => rmSync(home, { recursive: true }));
  bench.outside(`mkdir -p '${home}/.npm' '${home}/.cache/tool'; echo kept > '${home}/.npm/index'`);
  const script = `cat ~/.npm/index; echo more >> ~/.npm/index; mkdir ~/.npm/_logs; rm -r ~/.cache/tool && ls ~/.cache
    cat ~/.npm/index; touch ~/other || echo refused`;
  const cached = bench.run(
    ...['env', '-u', 'XDG_CACHE_HOME', '-u', 'npm_config_cache', `HOME=${home}`, process.execPath, cliScript],
    ...['try', '--root', join(bench.root, 'store'), '-q', '-C', bench.host, 'sh', '-c', script],
  );
  expect(cached.stdout).toBe('kept\nkept\nmore\nrefused\n');
  expect(readFileSync(join(home, '.npm/index'), 'utf8')).toBe('kept\n');
  expect(existsSync(join(home, '.cache/tool'))).toBe(true);
});

test('over the whole tree: storage that is mounted over a file, and does not even answer, is no hindrance', async () => {
  const script = `import ctypes, os, sys, time
fd = os.open('/dev/fuse', os.O_RDWR)
data = b'fd=%d,rootmode=100644,user_id=0,group_id=0' % fd
if ctypes.CDLL(None, use_errno=True).mount(b'silent', sys.argv[1].encode(), b'fuse.silent', 0, data): sys.exit(1)
time.sleep(600)`;
  const file = join(bench.host, 'f');
  const silent = bench.start('python3', '-c', script, file);
  try {
    await until(() => bench.mounted().length > 0);
    const { code, stdout, stderr } = bench.command(
      'try',
      '-q',
      'sh',
      '-c',
      `echo x > '${bench.host}/n'; echo ran`,
    );
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'ran\n', stderr: '' });
  } finally {
    silent.kill('SIGKILL');
    bench.run('umount', '-l', file);
  }
});
