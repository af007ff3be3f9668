/** Files of a layer that follow each other are on their way from the disk before they are asked for. */

import { afterAll, beforeAll, expect, it } from 'vitest';
import { Tree } from './many-files.js';

const FILES = 40;
let tree: Tree;

beforeAll(() => {
  tree = new Tree(`mkdir d; for f in {1..${FILES}}; do head -c 20000 /dev/urandom > d/f$f; done; sync d/*`);
});
afterAll(() => tree.dispose());

/** Pages of each file of the layer that are in memory, in the order in which the mount lists them. */
function resident(): number[] {
  const lines = tree.shell('.', 'for f in $(ls -U mnt/d); do fincore -n -r -o PAGES lower/d/$f; done');
  return lines.trim().split('\n').map(Number);
}

it('the next sixteen are read ahead after one that had to come from the disk, and none before', () => {
  for (let attempt = 0; ; attempt++) {
    tree.unmount();
    tree.shell('lower', 'for f in d/*; do dd if=$f iflag=nocache count=0 status=none; done');
    tree.mount();
    tree.inside('ls -lU d > /dev/null');
    expect(resident()).toEqual(new Array(FILES).fill(0));
    tree.inside('cat d/$(ls -U d | head -1) > /dev/null');
    const found = resident();
    expect(found[0]).toBe(5);
    // A disk that answered as quickly as memory is no reason to read ahead.
    if (found[1] === 0 && attempt < 9) continue;
    expect(found.slice(1, 17)).toEqual(new Array(16).fill(5));
    expect(found.slice(17)).toEqual(new Array(FILES - 17).fill(0));
    return;
  }
}, 120_000);

it('what follows is read ahead as the files are read, and says the same', () => {
  tree.inside('cmp <(cd d && cat $(ls -U)) <(cd ../lower/d && cat $(ls -U ../../mnt/d))');
});
