/** Binds, volumes and tmpfs in a container are the kernel's: what they share with the host and with each other. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addImage, fillSystem } from '../../helpers/images.js';
import { cliScript, until, untilIs } from '../plyfs-run.js';
import { ContainerBench } from './bench.js';

/** Numbers of inotify_init1 and inotify_add_watch. */
const [INIT, ADD] = process.arch === 'arm64' ? [26, 27] : [294, 254];

/** One end of a meeting: `perl peer.pl WHAT PATH` says when it is ready, then what it got. */
const PEER = `
use strict; use Socket; use Fcntl qw(:DEFAULT :flock SEEK_SET F_SETLK F_SETLKW F_WRLCK);
$| = 1; $SIG{ALRM} = sub { print "timeout\\n"; exit 1 }; alarm 20;
my ($what, $path) = @ARGV;
my $lock = pack('s s l! l! i x4', F_WRLCK, SEEK_SET, 0, 0, 0);
sub file { sysopen(my $f, $path, O_RDWR | O_CREAT) or die "$path: $!\\n"; return $f }
sub hold { print "ready\\n"; <STDIN>; }
my %do = (
  listen => sub {
    socket(my $s, PF_UNIX, SOCK_STREAM, 0); bind($s, sockaddr_un($path)) or die "bind: $!\\n"; listen($s, 1);
    print "ready\\n"; accept(my $c, $s); print scalar <$c>;
  },
  connect => sub {
    socket(my $s, PF_UNIX, SOCK_STREAM, 0); connect($s, sockaddr_un($path)) or die "connect: $!\\n";
    syswrite($s, "hello\\n"); print "sent\\n";
  },
  flock => sub { flock(my $f = file(), LOCK_EX); hold() },
  tryflock => sub { print flock(my $f = file(), LOCK_EX | LOCK_NB) ? "free\\n" : "busy\\n" },
  fcntl => sub { my $f = file(); fcntl($f, F_SETLKW, $lock); hold() },
  tryfcntl => sub { my $f = file(); print fcntl($f, F_SETLK, $lock) ? "free\\n" : "busy\\n" },
  read => sub { open(my $f, '<', $path) or die "$path: $!\n"; print scalar <$f> },
  write => sub { open(my $f, '>', $path) or die "$path: $!\n"; print $f "through\n" },
  watch => sub {
    my $fd = syscall(${INIT}, 0); syscall(${ADD}, $fd, $path, 0x100) < 0 and die "watch: $!\\n";
    open(my $in, "<&=", $fd); print "ready\\n"; sysread($in, my $event, 4096); print unpack('x16 Z*', $event), "\\n";
  },
);
$do{$what}->();
`;

let bench: ContainerBench;
beforeAll(() => {
  bench = new ContainerBench('host/sub');
  bench.addImages();
  const config = { Env: ['PATH=/bin'] };
  addImage(bench.store.root, { name: 'perl:latest', config }, [fillSystem, fillPerl]);
  writeFileSync(`${bench.root}/peer.pl`, PEER);
  for (const name of ['one', 'two']) {
    bench.get('run', '-d', '--name', name, '-v', './host:/h', '-v', 'shared:/v', 'perl', 'sleep', '600');
  }
});
afterAll(() => bench.dispose());

function fillPerl(directory: string): void {
  const modules = textOf('perl', '-e', 'print((grep { -e "$_/strict.pm" && -e "$_/Socket.pm" } @INC)[0])');
  const libraries = [...textOf('ldd', '/usr/bin/perl').matchAll(/(\/\S+)/g)].map(([library]) => library);
  for (const path of [modules, ...libraries]) {
    cpSync(path, `${directory}${path}`, { recursive: true, dereference: true });
  }
  cpSync('/usr/bin/perl', `${directory}/bin/perl`, { dereference: true });
  writeFileSync(`${directory}/peer.pl`, PEER);
}

function textOf(program: string, ...args: string[]): string {
  return spawnSync(program, args, { encoding: 'utf8' }).stdout;
}

/** Where a peer runs, and what the shared directory is called there. */
interface Side {
  readonly name: string;
  readonly directory: string;
}

const SIDES: readonly (readonly [Side, Side])[] = [
  [
    { name: 'host', directory: 'host' },
    { name: 'one', directory: '/h' },
  ],
  [
    { name: 'one', directory: '/h' },
    { name: 'host', directory: 'host' },
  ],
  [
    { name: 'one', directory: '/v' },
    { name: 'two', directory: '/v' },
  ],
];

function commandOf({ name }: Side, what: string, path: string): string[] {
  if (name === 'host') return ['perl', 'peer.pl', what, path];
  const exec = [process.execPath, cliScript, 'exec', '--root', bench.store.root, '-i'];
  return [...exec, name, 'perl', '/peer.pl', what, path];
}

/** One that waits: resolves when it says `ready`. */
async function waiting(
  side: Side,
  what: string,
  path: string,
): Promise<{ child: ChildProcess; said: () => string }> {
  const [program = '', ...args] = commandOf(side, what, path);
  const child = spawn(program, args, { cwd: bench.root, env: bench.env });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk) => (text += chunk));
  await until(() => text !== '');
  expect(text).toBe('ready\n');
  return { child, said: () => text.slice('ready\n'.length) };
}

function once(side: Side, what: string, path: string): string {
  const [program = '', ...args] = commandOf(side, what, path);
  const { stdout, stderr } = bench.run(program, ...args);
  return stdout + stderr;
}

describe.each(SIDES)('between $name and another', (one, other) => {
  it('a socket connects', async () => {
    const server = await waiting(one, 'listen', `${one.directory}/sock`);
    expect(once(other, 'connect', `${other.directory}/sock`)).toBe('sent\n');
    await untilIs(() => server.said(), 'hello\n');
    rmSync(hostPath(one, 'sock'));
  });

  it('flock and fcntl exclude', async () => {
    for (const kind of ['flock', 'fcntl']) {
      const holder = await waiting(one, kind, `${one.directory}/lock`);
      expect(once(other, `try${kind}`, `${other.directory}/lock`)).toBe('busy\n');
      holder.child.stdin?.end('\n');
      await until(() => holder.child.exitCode !== null);
      expect(once(other, `try${kind}`, `${other.directory}/lock`)).toBe('free\n');
    }
    rmSync(hostPath(one, 'lock'));
  });

  it('inotify tells of a new file', async () => {
    const watcher = await waiting(one, 'watch', one.directory);
    once(other, 'tryflock', `${other.directory}/new`);
    await untilIs(() => watcher.said(), 'new\n');
    rmSync(hostPath(one, 'new'));
  });

  it('a fifo meets', async () => {
    spawnSync('mkfifo', [hostPath(one, 'fifo')]);
    const [program = '', ...args] = commandOf(one, 'read', `${one.directory}/fifo`);
    const reader = spawn(program, args, { cwd: bench.root, env: bench.env });
    let text = '';
    reader.stdout.setEncoding('utf8').on('data', (chunk) => (text += chunk));
    expect(once(other, 'write', `${other.directory}/fifo`)).toBe('');
    await untilIs(() => text, 'through\n');
    rmSync(hostPath(one, 'fifo'));
  });
});

function hostPath({ directory }: Side, name: string): string {
  return directory === '/v' ? bench.store.path(`volumes/shared/_data/${name}`) : `${bench.root}/host/${name}`;
}

/** The mounts of a new container, as its /proc/mounts has them: `/t tmpfs rw,nosuid`. */
function mountsOf(...options: string[]): string[] {
  const lines = bench.sh('cat /proc/mounts', ...options).split('\n');
  return lines.map((line) => line.split(' ').slice(1, 4).join(' '));
}

describe('what the container sees', () => {
  it('lists the mounts in its /proc/mounts, a tmpfs with its options and Docker’s', () => {
    const mounts = mountsOf(
      '-v',
      './host:/r:ro',
      '--tmpfs',
      '/t',
      '--tmpfs',
      '/s:size=1m,mode=700,exec',
      '--mount',
      'type=tmpfs,dst=/m,tmpfs-size=2m',
    );
    expect(mounts[0]).toMatch(/^\/ fuse\.plyfs rw,nodev/);
    expect(mounts.find((line) => line.startsWith('/r '))).toMatch(/^\/r \S+ ro,/);
    expect(mounts).toEqual(
      expect.arrayContaining([
        '/t tmpfs rw,nosuid,nodev,noexec,relatime',
        '/s tmpfs rw,nosuid,nodev,relatime,size=1024k,mode=700',
        '/m tmpfs rw,nosuid,nodev,noexec,relatime,size=2048k',
      ]),
    );
  });

  it('shows files of /proc with what they hold, a device as one, and follows a file that the host replaces', () => {
    const options = ['-v', '/proc/version:/version', '-v', '/dev/full:/full/dev', '-v', './host/f:/f'];
    writeFileSync(`${bench.root}/host/f`, 'old\n');
    const script = 'cat /version; test -c /full/dev && echo device; cat /f';
    expect(bench.sh(script, ...options)).toBe(`${readFileSync('/proc/version', 'utf8')}device\nold`);
    bench.get('run', '-d', '--name', 'follower', '-v', './host/f:/f', 'box', 'sleep', '60');
    writeFileSync(`${bench.root}/host/f.new`, 'new\n');
    renameSync(`${bench.root}/host/f.new`, `${bench.root}/host/f`);
    expect(bench.get('exec', 'follower', 'cat', '/f')).toBe('new');
    bench.get('rm', '-f', 'follower');
  });

  it('finds mounts inside of others, whichever came first, and leaves nothing where they lie', () => {
    writeFileSync(`${bench.root}/host/f`, 'file\n');
    const nested = [
      '-v',
      'in:/x/sub',
      '-v',
      './host:/x',
      '-v',
      './host/f:/x/sub/deep/f',
      '--tmpfs',
      '/x/new',
    ];
    expect(bench.sh('ls /x; ls -R /x/sub; cat /x/sub/deep/f', ...nested)).toBe(
      'f\nnew\nsub\n/x/sub:\ndeep\n\n/x/sub/deep:\nf\nfile',
    );
    expect(readdirSync(`${bench.root}/host`).toSorted()).toEqual(['f', 'sub']);
    expect(readdirSync(bench.store.path('volumes/in/_data'))).toEqual([]);
    // What has its mount point is the kernel's all the way down.
    const mounts = mountsOf('-v', 'in:/x/sub', '-v', './host:/x', '-v', './host/f:/x/f');
    const points = mounts.map((line) => line.split(' ')[0]).filter((point) => point?.startsWith('/x'));
    expect(points.toSorted()).toEqual(['/x', '/x/f', '/x/sub']);
  });

  it('has no device of a bound directory', () => {
    bench.run('mknod', `${bench.root}/host/zero`, 'c', '1', '5');
    expect(bench.do('run', '--rm', '-v', './host:/h', 'box', 'cat', '/h/zero').stderr).toMatch(
      /Permission denied/,
    );
    rmSync(`${bench.root}/host/zero`);
  });
});

describe('below /dev, /proc and /sys, and over files of ours', () => {
  const inBox = (script: string, ...options: string[]) => bench.sh(script, ...options);

  it('the mount of the user wins', () => {
    writeFileSync(`${bench.root}/host/f`, 'mine\n');
    const given = ['shm:/dev/shm', './host:/dev/foo/bar', '/dev/full:/dev/full2', './host/f:/proc/meminfo'];
    const files = ['./host/f:/etc/hosts', './host/f:/etc/resolv.conf', './host/f:/etc/hostname'];
    const options = [...given, ...files].flatMap((spec) => ['-v', spec]);
    const script =
      'echo x > /dev/shm/file; ls /dev/foo/bar; test -c /dev/full2 && echo device; ' +
      'cat /proc/meminfo /etc/hosts /etc/resolv.conf /etc/hostname';
    expect(inBox(script, ...options)).toBe('f\nsub\ndevice\nmine\nmine\nmine\nmine');
    expect(readFileSync(bench.store.path('volumes/shm/_data/file'), 'utf8')).toBe('x\n');
    expect(inBox('cat /dev/shm/file', '-v', 'shm:/dev/shm', '--read-only')).toBe('x');
  });

  it('a tmpfs there has the size asked for, also by --volumes-from', () => {
    bench.get(
      'create',
      '--name',
      'sized',
      '--tmpfs',
      '/dev/shm:size=1m',
      '-v',
      './host:/dev/deep/er',
      'box',
      'ls',
    );
    for (const options of [
      ['--tmpfs', '/dev/shm:size=1m'],
      ['--volumes-from', 'sized'],
    ]) {
      const mounts = mountsOf(...options).filter((line) => line.startsWith('/dev/shm '));
      expect(mounts).toEqual(['/dev/shm tmpfs rw,nosuid,nodev,noexec,relatime,size=1024k']);
    }
    expect(inBox('ls /dev/deep/er', '--volumes-from', 'sized')).toBe('f\nsub');
    bench.get('rm', 'sized');
  });

  it('a VOLUME of the image and the mounts of a RUN win too', () => {
    mkdirSync(`${bench.root}/context`);
    const run =
      'RUN --mount=type=tmpfs,target=/dev/shm,size=1m --mount=type=bind,source=Dockerfile,target=/etc/hosts ' +
      'cat /proc/mounts /etc/hosts > /seen\n';
    writeFileSync(`${bench.root}/context/Dockerfile`, `FROM box\n${run}VOLUME /dev/shm\n`);
    bench.get('image', 'build', '-q', '-t', 'built', 'context');
    const seen = bench.get('run', '--rm', 'built', 'cat', '/seen', '/proc/mounts');
    expect(seen).toMatch(/^tmpfs \/dev\/shm tmpfs .*size=1024k/m);
    expect(seen).toMatch(/^FROM box$/m);
    expect(seen).not.toMatch(/^shm /m);
  });

  it('refuses what the kernel has no name for', () => {
    const { code, stderr } = bench.do('run', '--rm', '-v', './host/f:/proc/none', 'box', 'true');
    expect([code, stderr]).toEqual([
      125,
      "plyfs run: cannot mount './host/f:/proc/none' at '/proc/none': no such file or directory; the kernel has no such name there\n",
    ]);
  });
});

describe('mount-add and mount-rm', () => {
  const add = (spec: string) => bench.get('container', 'mount-add', 'live', spec);
  const remove = (target: string) => bench.get('container', 'mount-rm', 'live', target);
  const inside = (script: string) => bench.get('exec', 'live', 'sh', '-c', script);
  const points = () =>
    inside('cat /proc/mounts')
      .split('\n')
      .map((line) => line.split(' ')[1] ?? '')
      .filter((point) => /^\/(?:x|y|z|dev\/foo)/.test(point))
      .toSorted();

  it('enter the namespace of a command that runs', () => {
    writeFileSync(`${bench.root}/host/f`, 'file\n');
    bench.get('run', '-d', '--name', 'live', '-v', './host:/x', '-v', 'kept:/x/sub', 'box', 'sleep', '600');
    add('vol:/y/deep');
    add('./host:/dev/foo/bar');
    add('type=tmpfs,dst=/z');
    add('./host/f:/z/new/f');
    expect(points()).toEqual(['/dev/foo/bar', '/x', '/x/sub', '/y/deep', '/z', '/z/new/f']);
    expect(inside('echo y > /y/deep/y; cat /dev/foo/bar/f /z/new/f')).toBe('file\nfile');
    expect(readFileSync(bench.store.path('volumes/vol/_data/y'), 'utf8')).toBe('y\n');
    // A tmpfs is the command's own; cp goes to that one.
    bench.get('container', 'cp', 'host/f', 'live:/z/copied');
    expect(inside('cat /z/copied')).toBe('file');
    expect(bench.get('container', 'cp', 'live:/z/copied', '-')).toMatch(/file\n/);
    remove('/z/new/f');
    remove('/dev/foo/bar');
    remove('/y/deep');
    expect(points()).toEqual(['/x', '/x/sub', '/z']);
  });

  it('leave nothing in a bound directory that has no mount point, and what lies in it stays', () => {
    inside('echo s > /x/sub/s');
    add('./host/f:/x/none/f');
    expect(inside('cat /x/none/f /x/sub/s /x/f')).toBe('file\ns\nfile');
    expect(readdirSync(`${bench.root}/host`).toSorted()).toEqual(['f', 'sub']);
    expect(points()).toEqual(['/x/sub', '/z']);
    remove('/x/sub');
    expect(inside('ls /x/sub; ls /x')).toBe('f\nnone\nsub');
    expect(points()).toEqual(['/z']);
  });

  it('take nothing away but the mount that is meant, wherever a link in the container leads', () => {
    add('vol:/y');
    inside('mv /bin /usr-bin; /usr-bin/ln -s usr-bin /bin');
    add('kept:/sys/fs/cgroup');
    remove('/sys/fs/cgroup');
    expect(inside('cat /proc/mounts')).toMatch(/ \/proc\/sys proc ro/);
    remove('/y');
    const refused = bench.do('container', 'mount-add', 'live', './host/f:/proc/none');
    expect([refused.code, refused.stderr]).toEqual([
      1,
      "plyfs container mount-add: cannot mount './host/f:/proc/none' at '/proc/none': no such file or directory\n",
    ]);
    expect(
      bench.get('container', 'inspect', '-f', '{{range .Mounts}}{{.Destination}} {{end}}', 'live').trim(),
    ).toBe('/x /z /x/none/f');
    bench.get('rm', '-f', 'live');
  });
});

describe('propagation', () => {
  const mount = (...args: string[]) => expect(bench.run('mount', ...args)).toMatchObject({ code: 0 });

  it('is honoured, and refused where the host shares nothing; ro holds for what is mounted below', () => {
    const shared = `${bench.root}/shared`;
    for (const name of ['shared', 'shared/inner', 'shared/late']) mkdirSync(`${bench.root}/${name}`);
    mount('--bind', shared, shared);
    mount('--make-private', shared);
    mount('-t', 'tmpfs', 'inner', `${shared}/inner`);
    const refused = bench.do('run', '--rm', '-v', './shared:/s:rshared', 'box', 'true');
    expect([refused.code, refused.stderr]).toEqual([
      125,
      expect.stringMatching(/which is not a shared mount; 'mount --make-shared/),
    ]);
    expect(bench.do('run', '--rm', '-v', './shared:/s:ro', 'box', 'touch', '/s/inner/x').stderr).toMatch(
      /Read-only/,
    );
    // What holds the store is a slave of the host's where that is shared, as with Docker; else it has no say.
    expect(bench.sh('cat /host/proc/version; ls /host', '-v', '/:/host:ro')).toMatch(/\nproc\n/);
    mount('--make-shared', shared);
    const options = ['-v', './shared:/shared:rshared', '-v', './shared:/slave:rslave', '-v', './shared:/own'];
    bench.get('run', '-d', '--name', 'spread', ...options, 'box', 'sleep', '60');
    mount('-t', 'tmpfs', 'late', `${shared}/late`);
    writeFileSync(`${shared}/late/f`, 'late\n');
    expect(bench.get('exec', 'spread', 'sh', '-c', 'cat /shared/late/f /slave/late/f; ls /own/late')).toBe(
      'late\nlate',
    );
    const spread = bench.get(
      'container',
      'inspect',
      '-f',
      '{{range .Mounts}}{{.Propagation}} {{end}}',
      'spread',
    );
    expect(spread.trim().split(' ').toSorted()).toEqual(['rprivate', 'rshared', 'rslave']);
    bench.get('rm', '-f', 'spread');
    for (const name of ['late', 'inner', '']) bench.run('umount', `${shared}/${name}`);
  });
});
