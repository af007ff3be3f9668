/** The daemon killed in the middle of work: what was there is there, what is new is whole or absent. */

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Tree } from './tree.js';

let tree: Tree;

beforeEach(() => {
  tree = new Tree(
    `mkdir a b; for f in {1..400}; do echo "old $f" > a/f$f; head -c 20000 /dev/zero > b/f$f; done`,
  );
});
afterEach(() => tree.dispose());

describe('a daemon killed with SIGKILL', () => {
  it.each([
    40, 90, 200,
  ])('after %d ms of changes leaves each file old or new, and a clean work directory', (delayMs) => {
    const pid = tree.pid();
    tree.shell(
      '.',
      `(cd mnt; for f in {1..400}; do
        mv a/f$f a/g$f; chmod 600 b/f$f; echo tail >> b/f$f; mkdir n$f; mv b/f$f n$f/; rm a/g$f
      done) > /dev/null 2>&1 & work=$!
      sleep ${delayMs / 1000}; kill -9 ${pid}; wait $work || true; umount -l mnt 2> /dev/null || true`,
    );
    tree.mount();
    tree.inside(`for f in {1..400}; do
        have=$(ls -d b/f$f n$f/f$f 2> /dev/null || true)
        case $have in b/f$f|n$f/f$f) ;; *) echo "b $f: '$have'" >&2; exit 1;; esac
        size=$(stat -c %s $have)
        [ $size = 20000 ] || [ $size = 20005 ] || { echo "$have has $size bytes" >&2; exit 1; }
        cmp -s -n 20000 $have /dev/zero
        [ $size = 20000 ] || [ "$(tail -c 5 $have)" = tail ]
        for g in a/f$f a/g$f; do [ ! -e $g ] || [ "$(cat $g)" = "old $f" ]; done
        [ ! -e a/f$f ] || [ ! -e a/g$f ]
      done`);
    tree.unmount();
    for (const folder of ['work/work', 'work/index'].map((path) => join(tree.root, path))) {
      if (!existsSync(folder)) continue;
      expect(readdirSync(folder).filter((name) => name.startsWith('#'))).toEqual([]);
    }
    // The kernel's overlay has the same tree.
    tree.shell(
      '.',
      `mount -t overlay o -o lowerdir=lower,upperdir=upper,workdir=work,redirect_dir=on,index=on,metacopy=on mnt2
      trap 'umount mnt2' EXIT; find mnt2 -type f -printf '%P %s %m\\n' | sort > one; umount mnt2; trap - EXIT`,
    );
    tree.mount();
    tree.shell('.', `find mnt -type f -printf '%P %s %m\\n' | sort | diff one -`);
  });
});
