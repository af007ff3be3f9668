/**
 * A daemon that has no descriptor left, one, two, until there are enough, for each operation of a user (refusing-disk.py): it says
 * EMFILE and shows the old state, or is done; tried again with all of them it is done, nothing stays in the work directory,
 * and the mount goes on. That a whole machine has none (ENFILE) is met in the same calls.
 */

import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Workbench } from '../cli/plyfs-run.js';
import { projectRoot } from '../helpers/project-paths.js';
import { TEMPLATE } from './refused-template.js';

const LIMIT_MS = 300_000;
/** More than there are cells. */
const DIRECTORIES = 300;
const FEWEST_CELLS = 70;

let bench: Workbench;
beforeEach(() => {
  bench = new Workbench('low', 'src', 'at', 'empty');
  bench.env.PLYFS_DAEMON = 'own';
});
afterEach(() => bench.dispose(), LIMIT_MS);

const USES = {
  'an upper': { layers: 'low', at: 'at', work: 'work/work', options: ['--upper', 'up', '--work', 'work'] },
  'a bind': { layers: 'src', at: 'at/v', work: 'empty', options: ['-v', './src:/v'] },
} as const;

it.each([
  'an upper',
  'a bind',
] as const)('in %s each operation is done or is EMFILE, and leaves nothing half done', {
  timeout: LIMIT_MS,
}, (use) => {
  const { layers, at, work, options } = USES[use];
  const filled = bench.run(
    'bash',
    '-ec',
    `mkdir up work
    ${TEMPLATE}
    for n in {1..${DIRECTORIES}}; do cp -a template ${layers}/$n; done`,
  );
  expect(filled).toMatchObject({ code: 0, stderr: '' });
  expect(bench.plyfs('mount', '-l', 'low', ...options, 'at')).toMatchObject({ code: 0, stderr: '' });
  const pid = bench.pid();
  const probe = [`${projectRoot}/test/acceptance/refusing-disk.py`, at, `pid:${pid}`, work, '24'];
  const args = [
    '-IS',
    ...probe.map((word) => (word === at || word === work ? `${bench.root}/${word}` : word)),
  ];
  const { status, stdout, stderr } = spawnSync('python3', args, {
    env: bench.env,
    encoding: 'utf8',
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  expect([status, stderr], stdout.slice(-2000)).toEqual([0, '']);
  const lines = stdout.trim().split('\n');
  expect(lines.pop()).toBe('done');
  expect(lines.length).toBeGreaterThan(FEWEST_CELLS);
  // What is open already can be written, and then not be synced; what is read is as it was.
  const isWell = (line: string): boolean =>
    /\| (ok new|EMFILE old ok)$/.test(line) ||
    /^(create and sync|fsync|fsync directory|read) .*\| EMFILE new$/.test(line);
  expect(lines.filter((line) => !isWell(line))).toEqual([]);
  expect(lines.some((line) => line.includes('EMFILE'))).toBe(true);
  expect(bench.pid()).toBe(pid);
  expect(bench.plyfs('umount', 'at')).toMatchObject({ code: 0, stderr: '' });
});
