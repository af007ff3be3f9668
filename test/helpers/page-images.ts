/** Images for the page: layers that change, delete and waste; names that are hostile; 200,000 names in a directory. */

import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addImage } from './images.js';

const NAMES = 200_000;
const LINKS = 20_000;

function layer(script: string): (directory: string) => void {
  return (directory) =>
    void execFileSync('bash', ['--norc', '-euc', `umask 022; ${script}`], { cwd: directory });
}

/** Links, of which an inode takes some tens of thousands: a third of the time that files take. */
function manyNames(directory: string): void {
  mkdirSync(join(directory, 'many'));
  let first = '';
  for (let number = 1; number <= NAMES; number++) {
    const path = join(directory, 'many', `file-${String(number).padStart(6, '0')}`);
    if (number % LINKS === 1) {
      writeFileSync(path, '');
      first = path;
    } else linkSync(first, path);
  }
}

const BASE =
  'mkdir -p etc usr/bin usr/lib/x86 usr/share/doc var/cache/apt; echo ID=demo >etc/os-release; echo root:x:0:0 >etc/passwd; ' +
  'head -c 900000 /dev/urandom >usr/lib/libc.so; head -c 500000 /dev/urandom >usr/lib/x86/libm.so; ' +
  'head -c 400000 /dev/urandom >usr/bin/shell; head -c 90000 /dev/urandom >usr/bin/su; chmod 4755 usr/bin/su; ' +
  'head -c 120000 /dev/zero >usr/share/doc/changelog; head -c 700000 /dev/zero >var/cache/apt/pkgcache.bin; ln -s usr/lib lib';
const APP =
  'mkdir -p srv/app/assets; echo SECRET=hunter2 >srv/app/.env; printf "one\\ntwo\\nthree\\n" >srv/app/config.txt; ' +
  'head -c 350000 /dev/urandom >srv/app/bundle.js; head -c 260000 /dev/urandom >srv/app/assets/photo.jpg';
const CLEAN =
  'mkdir -p srv/app var/cache/apt; mknod srv/app/.env c 0 0; mknod var/cache/apt/pkgcache.bin c 0 0; ' +
  'printf "one\\n2\\nthree\\n" >srv/app/config.txt';
const HISTORY = [
  'ADD rootfs.tar.gz /',
  'COPY . /srv/app',
  'RUN rm /srv/app/.env /var/cache/apt/* && ./configure',
];

const HOSTILE_NAMES = [
  '<img src=x onerror=window.ran=1>',
  'a\\nb',
  'esc\\e[31mred',
  'bad\\xff',
  '\\u202eltr',
  'javascript:window.ran=1',
  '..%2f..',
];
const HOSTILE =
  `mkdir d; cd d; touch ${HOSTILE_NAMES.map((name) => `$'${name}'`).join(' ')}; truncate -s 4G huge; ` +
  'echo "<script>window.ran=1</script>" >page.html; printf "\\x89PNG\\r\\n<svg onload=window.ran=1>" >fake.png; ' +
  'p=.; for i in $(seq 60); do p=$p/deep; done; mkdir -p $p';

/** `shop:1`, `shop:2`, `hostile:1` and `many:1`. */
export function addPageImages(root: string): void {
  addImage(root, { name: 'shop:1', history: HISTORY.slice(0, 2) }, [layer(BASE), layer(APP)]);
  addImage(root, { name: 'shop:2', history: HISTORY }, [layer(BASE), layer(APP), layer(CLEAN)]);
  addImage(root, { name: 'hostile:1' }, [layer(HOSTILE)]);
  addImage(root, { name: 'many:1' }, [manyNames]);
}
