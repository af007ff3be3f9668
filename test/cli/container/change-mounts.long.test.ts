/** `container mount-add` and `mount-rm`: what is mounted over a container after it was made. */

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { untilIs } from '../plyfs-run.js';
import { ContainerBench } from './bench.js';

let bench: ContainerBench;
beforeAll(() => {
  bench = new ContainerBench('host');
  bench.addImages();
  writeFileSync(`${bench.root}/host/f`, 'from the host\n');
});
afterAll(() => bench.dispose());
afterEach(() => {
  for (const id of bench.store.names('containers')) bench.get('container', 'rm', '-fv', id);
  bench.get('volume', 'prune', '-af');
});

const add = (spec: string, container = 'web') => bench.do('container', 'mount-add', container, spec);
const remove = (...targets: string[]) => bench.do('container', 'mount-rm', 'web', ...targets);
const inside = (script: string) => bench.get('exec', 'web', 'sh', '-c', script);
const FINE = { code: 0, stdout: '', stderr: '' };

/** In the mount namespace of a process: takes away what is mounted at /srv, and mounts something at /opt. */
const MOUNT_IN_PLACE = `
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *args):
    if getattr(libc, name)(*args) != 0: raise OSError(ctypes.get_errno(), name)
call('setns', os.open(f'/proc/{sys.argv[1]}/ns/mnt', os.O_RDONLY), 0)
libc.umount2(b'/opt', 2)
call('umount2', b'/srv', 0)
call('mount', b't', b'/opt', b'tmpfs', 0, None)
`;

/** The last of them, as the process has it. */
function numberAt(pid: string, target: string): string | undefined {
  const lines = readFileSync(`/proc/${pid}/mountinfo`, 'latin1').split('\n');
  return lines.map((line) => line.split(' ')).findLast((fields) => fields[4] === target)?.[0];
}

/** What is mounted, by inspect: `/data volume image`. */
function mounts(): string[] {
  const rows = JSON.parse(bench.get('container', 'inspect', '-f', '{{json .Mounts}}', 'web')) as {
    Destination: string;
    Type: string;
    Origin: string;
  }[];
  return rows.map(({ Destination, Type, Origin }) => `${Destination} ${Type} ${Origin}`);
}

describe('a container that runs', () => {
  it('shows a file of the user in place of /etc/hosts, and its own again when that is taken away', () => {
    bench.get('run', '-d', '--name', 'web', 'box', 'sleep', '60');
    const own = inside('cat /etc/hosts');
    for (const _round of ['first', 'again']) {
      expect(add('./host/f:/etc/hosts')).toEqual(FINE);
      expect(inside('cat /etc/hosts')).toBe('from the host');
      expect(remove('/etc/hosts')).toEqual(FINE);
      expect(inside('cat /etc/hosts')).toBe(own);
    }
  });

  it('shows a bind, a file, a volume and a tmpfs at once, to the command that runs too', async () => {
    bench.get(
      'run',
      '-d',
      '--name',
      'web',
      'box',
      'sh',
      '-c',
      'until test -e /srv/f; do sleep 0.05; done; cat /srv/f; sleep 60',
    );
    expect(add('./host:/srv')).toEqual(FINE);
    await untilIs(() => bench.get('container', 'logs', 'web'), 'from the host');
    expect(add('type=bind,src=./host/f,dst=/etc/f,readonly')).toEqual(FINE);
    expect(add('kept:/full')).toEqual(FINE);
    expect(add('type=tmpfs,dst=/tmp,tmpfs-size=64k')).toEqual(FINE);
    expect(inside('cat /etc/f; ls /full; echo x > /full/new; echo y > /tmp/y')).toBe(
      'from the host\none\ntwo',
    );
    expect(readFileSync(bench.store.path('volumes/kept/_data/new'), 'utf8')).toBe('x\n');
    expect(bench.do('exec', 'web', 'sh', '-c', 'echo x > /etc/f').stderr).toMatch(/Read-only file system/);
    expect(mounts()).toEqual([
      '/srv bind volume',
      '/full volume volume',
      '/tmp tmpfs mount',
      '/etc/f bind mount',
    ]);
    expect(bench.get('volume', 'ls', '--format', '{{.Name}} {{.UsedBy}}')).toBe('kept web');
  });

  it('leaves alone what somebody with privileges has mounted there since, with the number of a mount of ours', () => {
    bench.get('run', '-d', '--name', 'web', 'box', 'sleep', '60');
    inside('mkdir /opt');
    const pid = bench.get('container', 'inspect', '-f', '{{.State.Pid}}', 'web');
    let isReused = false;
    // Others mount too: the number may go to them.
    for (let round = 0; round < 20 && !isReused; round++) {
      expect(add('./host:/srv')).toEqual(FINE);
      const number = numberAt(pid, '/srv');
      const { code, stderr } = bench.run('python3', '-c', MOUNT_IN_PLACE, pid);
      expect([code, stderr]).toEqual([0, '']);
      inside('echo his > /opt/f');
      isReused = numberAt(pid, '/opt') === number;
      expect(remove('/srv')).toEqual(FINE);
      expect(inside('cat /opt/f')).toBe('his');
    }
    expect(isReused).toBe(true);
  });

  it('keeps them over stop and start, in upper nothing is left of them', () => {
    bench.get('container', 'create', '--name', 'web', 'box');
    const path = bench.get('container', 'mount', 'web');
    expect([add('./host:/srv/a/b'), add('./host/f:/etc/f')]).toEqual([FINE, FINE]);
    bench.get('container', 'stop', 'web');
    expect(readdirSync(path.replace(/merged$/, 'upper'))).toEqual([]);
    bench.get('container', 'mount', 'web');
    expect(bench.run('cat', `${path}/srv/a/b/f`, `${path}/etc/f`).stdout).toBe(
      'from the host\nfrom the host\n',
    );
  });

  it('loses a mount again, also one that it was made with; what lay below shows', () => {
    bench.get('run', '-d', '--name', 'web', '-v', './host:/full', 'data', 'sleep', '60');
    expect(inside('ls /full /data')).toBe('/data:\nseed\n\n/full:\nf');
    expect(remove('/full/', '/data')).toEqual(FINE);
    expect(inside('ls /data; ls /full 2>&1 || true')).toBe(
      "seed\nls: cannot access '/full': No such file or directory",
    );
    expect(mounts()).toEqual([]);
    // Unnamed, and of nobody now.
    expect(bench.get('volume', 'prune', '-f')).toMatch(/^Deleted Volumes:\n[0-9a-f]{64}\n/);
  });

  it('serves on what is open in a mount that was taken away, and then lets go of the volume', async () => {
    bench.get(
      'run',
      '-d',
      '--name',
      'web',
      '-v',
      'vol:/v',
      'box',
      'sh',
      '-c',
      'exec 3>/v/f; echo up; until test -e /go; do sleep 0.05; done; echo late >&3; exec 3>&-; sleep 60',
    );
    await untilIs(() => bench.get('container', 'logs', 'web'), 'up');
    expect(remove('/v')).toEqual(FINE);
    inside('touch /go');
    await untilIs(() => readFileSync(bench.store.path('volumes/vol/_data/f'), 'utf8'), 'late\n');
    await untilIs(() => bench.do('volume', 'rm', 'vol').code, 0);
  });

  it.each([
    ['rel:tgt', /invalid volume specification: 'rel:tgt': .*mount path must be absolute$/],
    ['./none:/x', /bind source path does not exist: .*\/none; create it, or add bind-create-src/],
    ['type=bind,src=/none', /field Target must not be empty/],
    ['./host:/data', /^Duplicate mount point: \/data; 'plyfs container mount-rm web \/data' takes away/],
    ['./host:/link', /^Duplicate mount point: \/link; /],
    [
      './host:/etc/issue',
      /^cannot mount '\.\/host:\/etc\/issue': '\/etc\/issue' would be a directory over a file/,
    ],
    ['./host/f:/full', /'\/full' would be a file over a directory/],
    ['./host/f:/', /destination can't be '\/'/],
    ['a:/x:zz', /invalid mode: zz/],
  ])('refuses %s in one line, and stays as it was', (spec, message) => {
    bench.get('container', 'create', '--name', 'web', '-v', './host:/data', 'box');
    const path = bench.get('container', 'mount', 'web');
    bench.run('ln', '-s', 'data', `${path}/link`);
    const { code, stdout, stderr } = add(spec);
    expect([code, stdout, stderr.trimEnd().split('\n').length]).toEqual([1, '', 1]);
    expect(stderr.replace('plyfs container mount-add: ', '').trimEnd()).toMatch(message);
    expect(mounts()).toEqual(['/data bind volume']);
    expect(bench.store.names('volumes')).toEqual([]);
    bench.get('container', 'stop', 'web');
    bench.get('container', 'mount', 'web');
  });

  it('gives a mount back only when nothing is mounted in it, and says when there is none', () => {
    bench.get('container', 'create', '--name', 'web', '-v', './host:/a', 'box');
    mkdirSync(`${bench.root}/host/in`, { recursive: true });
    for (const step of ['mounted', 'stopped']) {
      if (step === 'mounted') bench.get('container', 'mount', 'web');
      expect(add('vol:/a/in')).toEqual(FINE);
      expect(remove('/a').stderr).toBe(
        "plyfs container mount-rm: cannot remove the mount at '/a': '/a/in' is mounted inside; remove '/a/in' first\n",
      );
      expect(remove('/a/in', '/nothing')).toEqual({
        code: 1,
        stdout: '',
        stderr:
          "plyfs container mount-rm: nothing is mounted at '/nothing' in container 'web'; 'plyfs container inspect --format \"{{json .Mounts}}\" web' lists what is\n",
      });
      expect(mounts()).toEqual(['/a bind volume']);
      bench.get('container', 'stop', 'web');
    }
    expect(remove('rel').stderr).toMatch(/invalid mount path: 'rel' mount path must be absolute$/m);
    expect(add('./host:/x', 'nobody').stderr).toMatch(
      /^plyfs container mount-add: no such container: 'nobody'/,
    );
  });
});

describe('a container that does not run', () => {
  it('has the mount with the next start; an empty volume is filled already', () => {
    bench.get('container', 'create', '--name', 'web', 'box');
    expect([add('new:/full'), add('/full2'), add('bare:/full3:nocopy')]).toEqual([FINE, FINE, FINE]);
    expect(readdirSync(bench.store.path('volumes/new/_data')).sort()).toEqual(['one', 'two']);
    expect(bench.get('run', '--rm', '--volumes-from', 'web:ro', 'box', 'ls', '/full')).toBe('one\ntwo');
    const path = bench.get('container', 'mount', 'web');
    expect(bench.run('ls', `${path}/full`).stdout).toBe('one\ntwo\n');
    bench.get('container', 'stop', 'web');
    expect(remove('/full')).toEqual(FINE);
    bench.get('container', 'mount', 'web');
    expect(mounts()).toEqual(['/full2 volume volume', '/full3 volume volume']);
  });
});
