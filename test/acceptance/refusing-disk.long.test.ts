/**
 * A disk of which each operation fails by itself (helpers/faulty-disk.ts), under an upper, a bind and a volume. Each operation
 * of a user gets the errno of the disk or is done, shows the old state or the new one, is done when it is tried again, and
 * leaves nothing in the work directory. Beside it kernel overlayfs over the same disk, and the disk by itself.
 */

import { spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { cliScript, Workbench } from '../cli/plyfs-run.js';
import { distPath, projectRoot } from '../helpers/project-paths.js';
import { TEMPLATE } from './refused-template.js';

const { EIO, EDQUOT, ENOSPC, EROFS, EINTR } = constants.errno;
/** `all`, or an errno's name: each cell with each of them, some 15 minutes for all; else they take turns. */
const WANTED = process.env.PLYFS_ALL_ERRNOS;
const TAKES_ALL = WANTED !== undefined;
const ERRNOS = [EIO, EDQUOT, ENOSPC, EROFS, EINTR].filter(
  (errno) => !TAKES_ALL || WANTED === 'all' || constants.errno[WANTED as 'EIO'] === errno,
);
/** More than there are cells. */
const DIRECTORIES = TAKES_ALL ? 800 * ERRNOS.length : 800;
const FEWEST_CELLS = 200;
const LIMIT_MS = TAKES_ALL ? 3_600_000 : 600_000;

let bench: Workbench;
beforeEach(() => {
  bench = new Workbench('low', 'src', 'disk', 'at', 'empty');
});
afterEach(() => bench.dispose(), LIMIT_MS);

const FILL = (where: string): string => `
  ${TEMPLATE}
  for n in {1..${DIRECTORIES}}; do cp -a template ${where}/$n; done`;

const PLYFS = `"${process.execPath}" "${cliScript}"`;

/** How the disk is used, and where its user is. */
const USES = {
  overlayfs: {
    mount: `${FILL('low')}; mkdir disk/up disk/work
      mount -t overlay plyfs-test -o lowerdir=low,upperdir=disk/up,workdir=disk/work,redirect_dir=on,metacopy=on at`,
    at: 'at',
    work: 'src/work/work',
    end: 'umount -l at',
  },
  'an upper': {
    mount: `${FILL('low')}; mkdir disk/up disk/work; ${PLYFS} mount -l low --upper disk/up --work disk/work at`,
    at: 'at',
    work: 'src/work/work',
    end: `${PLYFS} umount --lazy at`,
  },
  'the disk alone': { mount: `mkdir src/v; ${FILL('src/v')}`, at: 'disk/v', work: 'empty', end: ':' },
  'a bind': {
    mount: `mkdir src/v; ${FILL('src/v')}; ${PLYFS} mount -l low -v ./disk/v:/v at`,
    at: 'at/v',
    work: 'empty',
    end: `${PLYFS} umount --lazy at`,
  },
  'a volume': {
    mount: `${PLYFS} volume create --root src/store vol > /dev/null; ${FILL('src/store/volumes/vol/_data')}
      ${PLYFS} mount -l low -v vol:/v --root disk/store at`,
    at: 'at/v',
    work: 'empty',
    end: `${PLYFS} umount --lazy at`,
  },
} as const;

/** What each cell says. */
function cellsOf(use: keyof typeof USES): string[] {
  const { mount, at, work, end } = USES[use];
  const script = `
    cd '${bench.root}'
    mount -t tmpfs plyfs-test src; : > control
    '${process.execPath}' '${distPath('test/helpers/faulty-disk.js')}' "$PWD/src" "$PWD/disk" "$PWD/control" > served & disk=$!
    # Somebody else on the machine may have copies of these mounts in a namespace of his.
    trap '{ ${end}; umount -l disk; kill $disk; wait $disk; umount -l src; } > /dev/null 2>&1 || :' EXIT
    until [ -s served ]; do sleep .05; done
    ${mount}
    python3 -IS '${projectRoot}/test/acceptance/refusing-disk.py' "$PWD/${at}" "$PWD/control" "$PWD/${work}" ${TAKES_ALL ? 'all' : ''} ${ERRNOS.join(' ')}`;
  const { status, stdout, stderr } = spawnSync('bash', ['-ec', script], {
    env: bench.env,
    encoding: 'utf8',
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  expect([status, stderr], stdout.slice(-2000)).toEqual([0, '']);
  const lines = stdout.trim().split('\n');
  expect(lines.pop()).toBe('done');
  expect(lines.length).toBeGreaterThan(FEWEST_CELLS);
  return lines;
}

const NAMES = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));

/** Whether nobody can ask for more. */
function isWell(line: string): boolean {
  const [operation = '', fault = '', outcome = ''] = line.split(' | ');
  const [call = '', number] = fault.split(' ');
  const name = NAMES.get(Number(number));
  if (['ok new', `${name} old ok`, `${name} new`].includes(outcome)) return true;
  // The kernel says EIO of a file that it cannot open for passthrough.
  if (call === 'open' && /^EIO (old ok|new)$/.test(outcome)) return true;
  // Two steps, made or cut and then written: the first is done. And a write of which a part is done.
  const isTwoSteps =
    /^(create|truncate and write)/.test(operation) && /^(open|write|lookup|getattr)$/.test(call);
  if (isTwoSteps && [`${name} other ok`, 'EIO other ok'].includes(outcome)) return true;
  return call === 'write' && outcome === 'ok other';
}

it.each([
  'an upper',
  'a bind',
  'a volume',
] as const)('under %s is told of by its errno, and leaves nothing half done', {
  timeout: LIMIT_MS,
}, (use) => {
  expect(cellsOf(use).filter((line) => !isWell(line))).toEqual([]);
});

it('is told of so by itself', { timeout: LIMIT_MS }, () => {
  expect(cellsOf('the disk alone').filter((line) => !isWell(line))).toEqual([]);
});

it('under an upper of overlayfs leaves more behind, which shows that these tests see it', {
  timeout: LIMIT_MS,
}, () => {
  const worse = cellsOf('overlayfs').filter((line) => !isWell(line));
  expect(worse).toContainEqual(expect.stringMatching(/\| ESTALE /));
  expect(worse).toContainEqual(expect.stringMatching(/not done/));
});
