import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { FORKABLE } from '../../../src/linux/process/fork.js';
import { distPath } from '../../helpers/project-paths.js';

/** Copies that make garbage until V8 has collected some, and end with a status of their own. */
const COPIES = `
  const { forkProcess, endCopy } = await import(process.argv[1]);
  const { waitForChild } = await import(process.argv[2]);
  const before = Array.from({ length: 1000 }, (_, index) => 'text ' + index);
  for (let turn = 1; turn <= 5; turn++) {
    const pid = forkProcess(0);
    if (pid === 0) {
      const objects = Array.from({ length: 50000 }, (_, index) => ({ index }));
      endCopy(before[999] === 'text 999' && objects[49999].index === 49999 ? turn : 99);
    }
    console.log(waitForChild(pid));
  }`;

test('a copy of a Node without threads of V8 goes on with all that the original had', () => {
  const modules = ['fork', 'spawn'].map((name) => distPath(`src/linux/process/${name}.js`));
  const args = [...FORKABLE, '--input-type=module', '-e', COPIES, ...modules];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 100_000 });
  expect({ stdout, stderr }).toEqual({ stdout: '1\n2\n3\n4\n5\n', stderr: '' });
});
