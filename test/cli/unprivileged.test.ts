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
 * In a mount namespace of its own, where /dev/fuse is open to all, as distributions have it. The compiled project is
 * shown in the scratch folder too, since the checkout may lie where nobody may go.
 */
function asNobody(script: string): ReturnType<Workbench['run']> {
  const device = join(bench.root, 'fuse');
  const project = join(bench.root, 'project');
  mkdirSync(project);
  const checkout = cliScript.replace(/\/dist\/.*$/, '');
  writeFileSync(
    join(bench.root, 'script'),
    `set -e; plyfs() { '${process.execPath}' '${project}${cliScript.slice(checkout.length)}' "$@"; }\n${script}`,
  );
  const setUp = [
    `mknod -m 666 '${device}' c 10 229`,
    `mount --bind '${device}' /dev/fuse`,
    `mount --bind '${checkout}' '${project}'`,
    `exec setpriv --reuid ${NOBODY} --regid ${NOBODY} --clear-groups sh '${bench.root}/script'`,
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
      if grep -q '${bench.root}/m ' /proc/mounts; then echo still mounted; fi
    done
    cat u/new`);
  expect(stderr).toBe('');
  expect(stdout).toBe('lowlowlow3\n');
  expect(code).toBe(0);
});
