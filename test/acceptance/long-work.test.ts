/** What takes long, and what others wait meanwhile: large directories and large files of the union and of a bind. */

import { chmodSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Tree } from './many-files.js';
import { waitBeside } from './prober.js';

const NAMES = 40_000;
const FEWER = 10_000;
/** On a machine that is busy with other tests: 340 ms at a load of 34 on 2 cores, some 5 ms on one that is not; it was up to 8 s. */
const LONGEST_MS = 1000;
const P99_MS = 300;

let tree: Tree;
beforeAll(() => {
  tree = new Tree(
    `mkdir many fewer ../bound ../bound/many ../upper/own; (cd fewer; seq -f f%05.0f ${FEWER} | xargs touch)
    (cd many; seq -f f%05.0f ${NAMES} | xargs touch); (cd ../bound/many; seq -f f%05.0f ${NAMES} | xargs touch)
    (cd ../upper/own; seq -f f%05.0f ${NAMES} | xargs touch)
    for f in ../upper/large ../upper/long ../bound/large; do fallocate -l 700M $f; done`,
    ['-v', './bound:/bound'],
  );
  chmodSync(tree.root, 0o755);
}, 120_000);
afterAll(() => tree.dispose());

/** Runs a script in the mount: what another waits meanwhile. */
async function expectShortWaits(script: string): Promise<void> {
  const { longestMs, p99Ms } = await waitBeside(tree, script);
  expect(p99Ms).toBeLessThan(P99_MS);
  expect(longestMs).toBeLessThan(LONGEST_MS);
}

describe('others wait a moment at most', () => {
  it.each([
    ['a large directory of a layer is listed', 'ls -f many | wc -l'],
    ['a name is made in it, and it is listed again', 'touch many/new; ls -f many | wc -l'],
    ['a large directory of a bind is listed', 'ls -f bound/many | wc -l'],
    ['a large file of upper is removed', 'rm large'],
    ['a large file of upper is cut', ': > long'],
    ['a large file of a bind is removed', 'rm bound/large'],
    ['a directory of upper is found not to be empty', 'rmdir own 2> /dev/null || true'],
  ])('while %s', async (_, script) => {
    await expectShortWaits(script);
  });

  it('when all names of a large directory were removed, and itself', async () => {
    await expectShortWaits('rm -r fewer; [ ! -e fewer ]; mkdir fewer; rmdir fewer');
    // What hid the names goes by itself.
    tree.shell('.', 'until [ -z "$(find work/work -mindepth 2 -print -quit)" ]; do sleep .1; done');
  });
});
