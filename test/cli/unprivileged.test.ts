/** A user without privileges mounts and unmounts through fusermount3, and runs containers in a user namespace. */

import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { fillSystem } from '../helpers/images.js';
import { cliScript, Workbench } from './plyfs-run.js';

const NOBODY = 65534;
let bench: Workbench;

beforeEach(() => {
  bench = new Workbench('l1/d', 'u', 'm', 'run');
  writeFileSync(join(bench.root, 'l1/d/low'), 'low');
  chmodSync(bench.root, 0o755);
  for (const name of ['.', 'u', 'm', 'run']) chownSync(join(bench.root, name), NOBODY, NOBODY);
});

afterEach(() => bench.dispose());

/**
 * In a mount namespace of its own, where /dev/fuse is open to all, as distributions have it, and scratch folder and
 * checkout are shown below /mnt, since they may lie where nobody may go. Other tests' mounts are taken out of it first:
 * a namespace that keeps them keeps their daemons, and an overlay's upper.
 */
function asNobody(script: string): ReturnType<Workbench['run']> {
  const { root } = bench;
  const checkout = cliScript.replace(/\/dist\/.*$/, '');
  mkdirSync(join(root, 'project'));
  const plyfs = `'${process.execPath}' '/mnt/project${cliScript.slice(checkout.length)}'`;
  writeFileSync(join(root, 'script'), `set -e; plyfs() { ${plyfs} "$@"; }; cd /mnt\n${script}`);
  const setUp = [
    `awk '$5 ~ "/plyfs-(test|cli)-" { print $5 }' /proc/self/mountinfo | sort -r | xargs -r -n 1 umount -l`,
    `mknod -m 666 '${root}/fuse' c 10 229`,
    `mount --bind '${root}/fuse' /dev/fuse`,
    `mount --bind '${checkout}' '${root}/project'`,
    `mount --rbind '${root}' /mnt`,
    `PLYFS_RUN_DIR=/mnt/run exec setpriv --reuid ${NOBODY} --regid ${NOBODY} --clear-groups sh /mnt/script`,
  ].join(' && ');
  return bench.run('unshare', '--mount', '--propagation', 'private', 'sh', '-c', setUp);
}

it('plyfs mount and umount work for a user without privileges, again and again', () => {
  const { code, stdout, stderr } = asNobody(`
    for round in 1 2 3; do
      plyfs mount -l l1 --upper u m
      cat m/d/low
      echo $round >m/new
      plyfs umount m
      if grep -q '/mnt/m ' /proc/mounts; then echo still mounted; fi
    done
    cat u/new`);
  expect(stderr).toBe('');
  expect(stdout).toBe('lowlowlow3\n');
  expect(code).toBe(0);
});

it('plyfs run, exec and commit work for a user without privileges, with one user inside', () => {
  fillSystem(join(bench.root, 'l1'));
  bench.run('tar', '-C', 'l1', '-cf', 'l1.tar', '.');
  const { code, stdout, stderr } = asNobody(`
    at='--root /mnt/u/store'
    plyfs image import $at -c 'ENV PATH=/bin' l1.tar box >/dev/null 2>&1
    plyfs run $at --rm box sh -c 'id -u; echo /proc/[0-9]*; ls -d /sys/kernel; echo x > /made; ls /made'
    plyfs run $at -d --name one -v data:/data box sleep 60 >/dev/null
    plyfs exec $at one sh -c 'id -u; echo kept > /data/file; echo new > /etc/new'
    plyfs diff $at one
    plyfs stop $at -t 0 one
    plyfs commit $at one made >/dev/null
    plyfs run $at --rm -v data:/data made cat /etc/new /data/file
    plyfs run $at --rm -u app box id || echo "status $?"
    plyfs rm $at one`);
  expect(stderr).toBe(
    'plyfs run: cannot run as user 1000:1000 without privileges; only root of the container is mapped; run plyfs as root\n',
  );
  expect(stdout.split('\n')).toEqual([
    '0',
    '/proc/1',
    '/sys/kernel',
    '/made',
    '0',
    'C /etc',
    'A /etc/new',
    'one',
    'new',
    'kept',
    'status 125',
    'one',
    '',
  ]);
  expect(code).toBe(0);
}, 120_000);
