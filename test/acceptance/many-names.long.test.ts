/**
 * A tree of more names than the daemon wants to know at once: while it is walked the kernel is asked to forget the oldest, the
 * memory of the daemon stays in bounds, others go on, and what was forgotten is given back.
 */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { askDaemon } from '../../src/daemon/messages/control-client.js';
import { until, Workbench } from '../cli/plyfs-run.js';
import { waitBeside } from './prober.js';

/** vfs/node-limit.ts keeps a million. */
const DIRECTORIES = 1_200;
const FILES = 1_000;
const LIMIT_MS = 900_000;
/** A million names take some 160 MiB of their own (docs/guide/limits.md), and there is the garbage of a walk. */
const MOST_MIB = 400;
const LEAST_MIB = 150;
const IDLE_MIB = 220;
/** As in floods.long.test.ts. */
const P99_MS = 1000;

let bench: Workbench;

function sh(script: string): string {
  const { status, stdout, stderr } = spawnSync('bash', ['-ec', `cd '${bench.root}'\n${script}`], {
    env: bench.env,
    encoding: 'utf8',
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  expect([status, stderr]).toEqual([0, '']);
  return stdout;
}

function rssMib(): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${bench.pid()}/status`, 'utf8'))![1]) / 1024;
}

beforeAll(() => {
  bench = new Workbench('low', 'up', 'm');
  sh(`chmod 755 .; mount -t tmpfs -o size=3g,nr_inodes=1400000 plyfs-test low
    python3 -IS -c '
import os
for d in range(${DIRECTORIES}):
    os.mkdir(f"low/{d}"); at = os.open(f"low/{d}", os.O_RDONLY)
    for f in range(${FILES}): os.mknod(str(f), 0o100644, dir_fd=at)
    os.close(at)'`);
  expect(bench.plyfs('mount', '-l', 'low', '--upper', 'up', 'm')).toMatchObject({ code: 0, stderr: '' });
}, LIMIT_MS);
afterAll(() => {
  bench.plyfs('umount', 'm');
  bench.run('umount', '-l', 'low');
  bench.dispose();
});

it('more than a million names are walked within the memory of a million, and given back', {
  timeout: LIMIT_MS,
}, async () => {
  const at = { mountpoint: `${bench.root}/m`, root: bench.root };
  const walk = `[ $(find . -type f -newermt 1980-01-01 | wc -l) = ${DIRECTORIES * FILES} ]`;
  const { p99Ms, longestMs } = await waitBeside(at, walk, { limitMs: LIMIT_MS });
  const walkedMib = rssMib();
  console.log(
    `p99 ${p99Ms.toFixed(1)} ms, longest ${longestMs.toFixed(1)} ms, after the walk ${walkedMib.toFixed()} MiB`,
  );
  expect(p99Ms).toBeLessThan(P99_MS);
  expect(walkedMib).toBeLessThan(MOST_MIB);
  // It is a walk that would have had more.
  expect(walkedMib).toBeGreaterThan(LEAST_MIB);
  const [id = ''] = bench.runIds();
  const { requests } = (await askDaemon(`${bench.runDirectory}/mounts/${id}`, 'stats', {})) as {
    requests: Record<string, number>;
  };
  // Nobody dropped the caches: the kernel was asked to.
  expect((requests.FORGET ?? 0) + (requests.BATCH_FORGET ?? 0)).toBeGreaterThan(0);
  // What was forgotten is found again.
  expect(sh('cat m/0/0; stat -c %s m/0/1; ls m/5 | wc -l; echo new > m/0/0; cat m/0/0')).toBe(
    '0\n1000\nnew\n',
  );
  sh('echo 2 > /proc/sys/vm/drop_caches');
  // Collected half a second after the last request, which asking is not.
  await until(() => rssMib() < IDLE_MIB, 60_000);
  console.log(`when all are forgotten ${rssMib().toFixed()} MiB`);
});
