/** plyfs on plyfs, plyfs on overlayfs, overlayfs on plyfs: unions whose layers or uppers lie in other unions. */

import { afterEach, expect, it } from 'vitest';
import { Workbench } from '../cli/plyfs-run.js';

const MAKE = `mkdir -p low/d/sub low/dir up work at; echo q > low/q; echo z > low/d/z; echo s > low/d/sub/s
  echo f > low/dir/f; ln low/dir/f low/linked; echo other > low/other`;

/** Deletes, replaces, copies up and renames in a union at `at` with layer `low`. */
const CHANGE = `cd at; rm q; echo more >> d/z; mv d moved; mkdir d; echo new > d/n; rm -r dir/f; mkdir dir/f
  mv other dir/other; chmod 600 linked; rmdir dir/f`;

/** What it then shows, to be printed by LOOK. */
const LOOK = `cd at; find . -mindepth 1 | sort | tr '\\n' ' '; cat moved/z moved/sub/s d/n dir/other linked | tr '\\n' ' '
  [ ! -e q ]; [ ! -e other ]; [ ! -e dir/f ]; stat -c %a linked`;
const SHOWN = `./d ./d/n ./dir ./dir/other ./linked ./moved ./moved/sub ./moved/sub/s ./moved/z z more s new other f 600\n`;

let bench: Workbench;

afterEach(() => bench.dispose());

function inside(script: string): string {
  const { code, stdout, stderr } = bench.run('bash', '-ec', `cd '${bench.root}/outer'\n${script}`);
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

function plyfs(...args: string[]): void {
  const { code, stderr } = bench.plyfs(...args);
  expect([code, stderr]).toEqual([0, '']);
}

function mountInner(): void {
  plyfs('mount', '-l', 'outer/low', '--upper', 'outer/up', '--work', 'outer/work', 'outer/at');
}

function mountOuter(): void {
  plyfs('mount', '-l', 'base', '--upper', 'changes', '--work', 'scratch', 'outer');
}

function mountOverlay(): void {
  const dirs = `lowerdir=${bench.root}/base,upperdir=${bench.root}/changes,workdir=${bench.root}/scratch`;
  expect(bench.run('mount', '-t', 'overlay', 'plyfs-test', '-o', dirs, `${bench.root}/outer`).code).toBe(0);
}

it('a plyfs whose layer and upper lie in another keeps its changes, its deletions too', () => {
  bench = new Workbench('base', 'changes', 'scratch', 'outer');
  mountOuter();
  inside(MAKE);
  mountInner();
  inside(CHANGE);
  expect(inside(LOOK)).toBe(SHOWN);
  plyfs('umount', 'outer/at');
  plyfs('umount', 'outer');
  mountOuter();
  mountInner();
  expect(inside(LOOK)).toBe(SHOWN);
  plyfs('umount', 'outer/at');
  // What lies in the inner upper is a layer that overlayfs reads too.
  const dirs = 'lowerdir=empty:up:low,redirect_dir=on,metacopy=on';
  inside(`mkdir -p empty; mount -t overlay plyfs-test -o ${dirs} at; (${LOOK}); umount at`);
  plyfs('umount', 'outer');
});

it('a plyfs whose layer and upper lie on overlayfs, as in a container, keeps its changes', () => {
  bench = new Workbench('base', 'changes', 'scratch', 'outer');
  mountOverlay();
  inside(MAKE);
  mountInner();
  inside(CHANGE);
  expect(inside(LOOK)).toBe(SHOWN);
  plyfs('umount', 'outer/at');
  mountInner();
  expect(inside(LOOK)).toBe(SHOWN);
  plyfs('umount', 'outer/at');
  inside('cd ..; umount outer');
});

it('overlayfs takes a layer of the mount, and refuses an upper there', () => {
  bench = new Workbench('base', 'changes', 'scratch', 'outer', 'aside/up', 'aside/work');
  mountOuter();
  inside(MAKE);
  const aside = `upperdir=${bench.root}/aside/up,workdir=${bench.root}/aside/work`;
  const mount = 'mount -t overlay plyfs-test -o';
  const options = 'redirect_dir=on,metacopy=on';
  const seen = inside(`${mount} lowerdir=low,${aside},${options} at; (${CHANGE}); (${LOOK}); umount at`);
  expect(seen).toBe(SHOWN);
  const refused = bench.run('bash', '-c', `cd outer; ${mount} lowerdir=low,upperdir=up,workdir=work at`);
  expect(refused.code).toBe(32);
  plyfs('umount', 'outer');
});
