/** `plyfs metrics`: figures of living mounts, and of one whose daemon does not answer. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { formatPrometheus } from '../../src/cli/print/prometheus.js';
import { Workbench } from './plyfs-run.js';

let bench: Workbench;
beforeEach(() => {
  bench = new Workbench('low', 'one"quoted"');
  writeFileSync(join(bench.root, 'low/f'), 'x');
});
afterEach(() => bench.dispose());

/** Value of a line whose labels hold all words. */
function value(text: string, name: string, ...words: readonly string[]): number | undefined {
  const line = text
    .split('\n')
    .find((one) => one.startsWith(`${name}{`) && words.every((word) => one.includes(word)));
  return line === undefined ? undefined : Number(line.split(' ').at(-1));
}

test('counts requests, names and what the daemon takes', () => {
  expect(bench.plyfs('metrics')).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(bench.plyfs('mount', '-l', 'low', 'one"quoted"').code).toBe(0);
  expect(bench.run('ls', '-l', 'one"quoted"').code).toBe(0);
  const { code, stdout, stderr } = bench.plyfs('metrics');
  expect([code, stderr]).toEqual([0, '']);
  const mount = `mountpoint="${bench.root}/one\\"quoted\\""`;
  expect(value(stdout, 'plyfs_mount_up', mount)).toBe(1);
  expect(value(stdout, 'plyfs_mount_requests_total', mount, 'operation="INIT"')).toBe(1);
  expect(value(stdout, 'plyfs_mount_nodes', mount)).toBeGreaterThanOrEqual(2);
  expect(value(stdout, 'plyfs_daemon_resident_bytes')).toBeGreaterThan(10 << 20);
  expect(value(stdout, 'plyfs_daemon_open_files')).toBeGreaterThan(3);
  expect(value(stdout, 'plyfs_daemon_cpu_seconds_total')).toBeGreaterThan(0);

  const pid = /plyfs_daemon_open_files\{pid="(\d+)"\}/.exec(stdout)![1]!;
  process.kill(Number(pid), 'SIGSTOP');
  try {
    const stopped = bench.plyfs('metrics').stdout;
    expect(value(stopped, 'plyfs_mount_up', mount)).toBe(0);
    expect(stopped).not.toContain('plyfs_mount_requests_total');
    expect(value(stopped, 'plyfs_daemon_open_files')).toBeGreaterThan(3);
  } finally {
    process.kill(Number(pid), 'SIGCONT');
  }
});

test('formatPrometheus() escapes what would end a label, and leaves empty families out', () => {
  const family = { name: 'n', type: 'gauge', help: 'H.' } as const;
  expect(
    formatPrometheus([
      {
        ...family,
        samples: [
          { labels: { a: 'x"\\\ny' }, value: 0.5 },
          { labels: {}, value: 2 },
        ],
      },
      { ...family, name: 'empty', samples: [] },
    ]),
  ).toBe('# HELP n H.\n# TYPE n gauge\nn{a="x\\"\\\\\\ny"} 0.5\nn 2\n');
});
