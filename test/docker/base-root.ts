/** The root of the image `base`: a static busybox, some users, some files; the same tar for both sides. */

import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { command } from '../../scripts/shell.js';

const PASSWD = `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
app:x:1000:1000:app:/home/app:/bin/sh
nobody:x:65534:65534:nobody:/:/bin/false
`;
const GROUP = `root:x:0:
daemon:x:1:
staff:x:50:app
app:x:1000:
extra:x:2000:app
nogroup:x:65534:
`;

const FILES: Readonly<Record<string, string>> = {
  'etc/passwd': PASSWD,
  'etc/group': GROUP,
  'etc/os-release': 'NAME=base\n',
  'data/seed': 'seed\n',
  'data/sub/deep': 'deep\n',
  'srv/page': 'page\n',
  'home/app/.profile': 'umask 022\n',
};

const DIRECTORIES = [
  'bin',
  'dev',
  'etc',
  'home/app',
  'proc',
  'root',
  'srv/empty',
  'sys',
  'tmp',
  'usr/bin',
  'var',
];

/** @returns the path of the tar. */
export async function makeBaseRoot(directory: string): Promise<string> {
  const root = join(directory, 'root');
  for (const path of [...DIRECTORIES, 'data/sub'])
    mkdirSync(join(root, path), { recursive: true, mode: 0o755 });
  for (const [path, text] of Object.entries(FILES)) writeFileSync(join(root, path), text, { mode: 0o644 });
  chmodSync(join(root, 'tmp'), 0o1777);
  chmodSync(join(root, 'root'), 0o700);
  copyFileSync('/bin/busybox', join(root, 'bin/busybox'));
  chmodSync(join(root, 'bin/busybox'), 0o755);
  const applets = (await command(['/bin/busybox', '--list'])).split('\n');
  for (const applet of applets.filter((name) => name !== '' && name !== 'busybox'))
    symlinkSync('busybox', join(root, 'bin', applet));
  const tar = join(directory, 'base.tar');
  const owners = ['--owner=0', '--group=0', '--numeric-owner', '--mtime=2024-01-02 03:04:05Z'];
  await command(['tar', '-C', root, '--exclude=./home/app', ...owners, '-cf', tar, '.']);
  const home = ['--owner=1000', '--group=1000', '--numeric-owner', '--mtime=2024-01-02 03:04:05Z'];
  await command(['tar', '-C', root, ...home, '-rf', tar, './home/app']);
  return tar;
}
