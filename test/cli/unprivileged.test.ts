/** A user without privileges mounts and unmounts through fusermount3. */

import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
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
