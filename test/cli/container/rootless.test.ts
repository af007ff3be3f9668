/** Containers of an ordinary user: in a user namespace of one user, whatever the host's /proc looks like inside. */

import { spawnSync } from 'node:child_process';
import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { NOBODY, OrdinaryUser } from '../../acceptance/ordinary-user.js';
import { fillSystem } from '../../helpers/images.js';

let user: OrdinaryUser;
beforeAll(() => {
  user = new OrdinaryUser('host');
  const system = `${user.root}/system`;
  mkdirSync(system);
  fillSystem(system);
  const { status } = spawnSync('tar', [
    '-C',
    system,
    '--owner=65534',
    '--group=65534',
    '-cf',
    `${user.home}/box.tar`,
    '.',
  ]);
  expect(status).toBe(0);
  writeFileSync(`${user.home}/host/f`, 'from the host\n');
  chownSync(`${user.home}/host/f`, NOBODY.uid, NOBODY.gid);
  const imported = user.plyfs(
    'image',
    'import',
    '-c',
    'ENV PATH=/bin',
    '-c',
    'VOLUME /data',
    'box.tar',
    'box',
  );
  expect([imported.status, imported.stderr]).toEqual([0, '']);
});
afterAll(() => {
  user.plyfs('container', 'rm', '-fv', 'web');
  user.dispose();
});

const answer = (...args: string[]) => {
  const { status, stdout, stderr } = user.plyfs(...args);
  return { status, stdout, stderr };
};

it('run gives a root of its own with /proc, and the exit status comes through', () => {
  const script = 'echo $$; id -u; cat /proc/self/comm; echo x > /etc/new; test -e /home/app && exit 7';
  expect(answer('run', '--rm', 'box', 'sh', '-c', script)).toEqual({
    status: 7,
    stdout: '1\n0\ncat\n',
    stderr: '',
  });
});

it('a container in the background takes exec, mounts that come and go, stop and start', () => {
  expect(answer('run', '-d', '--name', 'web', 'box', 'sleep', '60').stderr).toBe('');
  expect(answer('container', 'mount-add', 'web', './host:/srv/late').stderr).toBe('');
  const script = 'cat /srv/late/f; echo kept > /etc/note; echo v > /data/v';
  expect(answer('exec', 'web', 'sh', '-c', script)).toEqual({
    status: 0,
    stdout: 'from the host\n',
    stderr: '',
  });
  expect(answer('container', 'mount-rm', 'web', '/srv/late').stderr).toBe('');
  expect(answer('diff', 'web').stdout).toBe('C /etc\nA /etc/note\n');
  expect(answer('container', 'stop', '-t', '0', 'web')).toEqual({ status: 0, stdout: 'web\n', stderr: '' });
  expect(user.mounted()).toEqual([]);
  expect(answer('container', 'start', 'web').stderr).toBe('');
  expect(answer('exec', 'web', 'cat', '/etc/note', '/data/v').stdout).toBe('kept\nv\n');
});

it('binds, volumes and tmpfs are the kernel’s; what the user mounts in /dev wins', () => {
  const options = [
    '-v',
    './host:/h:ro',
    '-v',
    'own:/dev/shm',
    '--tmpfs',
    '/t:size=1m',
    '-v',
    '/dev/full:/dev/deep/full',
  ];
  const script =
    'cat /proc/mounts; cat /h/f; touch /h/new; echo x > /dev/shm/x; test -c /dev/deep/full && echo device';
  const { stdout, stderr } = answer('run', '--rm', ...options, 'box', 'sh', '-c', script);
  const mounts = stdout.split('\n').map((line) => line.split(' ').slice(1, 4).join(' '));
  expect(mounts.find((line) => line.startsWith('/h '))).toMatch(/^\/h \S+ ro,/);
  expect(mounts).toContainEqual(expect.stringMatching(/^\/t tmpfs rw,nosuid,nodev,noexec,.*size=1024k/));
  expect(mounts.filter((line) => line.startsWith('/dev/shm ')).join()).not.toMatch(/tmpfs/);
  expect(stdout).toMatch(/from the host\ndevice\n$/);
  expect(stderr).toMatch(/Read-only file system\n$/);
});
