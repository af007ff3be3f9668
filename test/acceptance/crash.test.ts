/** The daemon killed in the middle of work: what was there is there, what is new is whole or absent. */

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Tree } from './many-files.js';

let tree: Tree;

beforeEach(() => {
  // Nobody is to go on with what it was at.
  vi.stubEnv('PLYFS_KEEPER', 'off');
  tree = new Tree(
    `mkdir a b; for f in {1..400}; do echo "old $f" > a/f$f; head -c 20000 /dev/zero > b/f$f; done`,
  );
});
afterEach(() => {
  tree.dispose();
  vi.unstubAllEnvs();
});

describe('a daemon killed with SIGKILL', () => {
  it.each([
    2, 25, 80,
  ])('after %d rounds of changes leaves each file old or new, and no rests of its work', (rounds) => {
    const pid = tree.pid();
    tree.shell(
      '.',
      `(cd mnt; tar -xf ../new.tar & for f in {1..400}; do
          mv a/f$f a/g$f; chmod 600 b/f$f; echo tail >> b/f$f; mkdir n$f; mv b/f$f n$f/; rm a/g$f
        done; wait) > /dev/null 2>&1 & work=$!
      until [ -e upper/n${rounds} ]; do sleep 0.002; done
      kill -9 ${pid}; wait $work || true; umount -l mnt 2> /dev/null || true; [ ! -e upper/n400 ]`,
    );
    tree.mount();
    tree.inside(`python3 - <<'PY'
import os
for f in range(1, 401):
    places = [p for p in ('b/f%d' % f, 'n%d/f%d' % (f, f)) if os.path.lexists(p)]
    assert len(places) == 1, (f, places)
    data = open(places[0], 'rb').read()
    assert data in (bytes(20000), bytes(20000) + b'tail\\n'), (places, len(data))
    names = [p for p in ('a/f%d' % f, 'a/g%d' % f) if os.path.lexists(p)]
    assert len(names) <= 1, names
    for name in names: assert open(name).read() == 'old %d\\n' % f, name
for folder, _, files in os.walk('new'):
    for name in files:
        data = open(os.path.join(folder, name), 'rb').read()
        assert (b'x' * 9000).startswith(data), (name, len(data))
PY`);
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
