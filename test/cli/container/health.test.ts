/** Health checks of containers: what they run as, what ps and inspect say, and that nothing of them outlives the container. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { afterResult } from '../../../src/container/command/health/health-monitor.js';
import type { Health } from '../../../src/container/record/health.js';
import { until, untilIs } from '../plyfs-run.js';
import { ContainerBench } from './bench.js';

let bench: ContainerBench;
beforeAll(() => {
  bench = new ContainerBench('host');
  bench.addImages();
});
afterAll(() => bench.dispose());

const healthOf = (name: string) =>
  JSON.parse(bench.get('inspect', '-f', '{{json .State.Health}}', name)) as Health;
const statusOf = (name: string) => bench.get('ps', '--filter', `name=${name}`, '--format', '{{.Status}}');

describe('what a check finds', () => {
  const at = (Status: Health['Status'], FailingStreak: number): Health => ({
    Status,
    FailingStreak,
    Log: [],
  });
  const result = (ExitCode: number) => ({ Start: '', End: '', ExitCode, Output: '' });
  const judged = (before: Health, code: number, ageMs = 10_000) => {
    const check = { Retries: 2, StartPeriod: 5e9 };
    const { Status, FailingStreak } = afterResult(before, result(code), { check, ageMs });
    return [Status, FailingStreak];
  };

  it('makes it healthy at once, unhealthy after so many failures', () => {
    expect(judged(at('starting', 0), 0)).toEqual(['healthy', 0]);
    expect(judged(at('unhealthy', 7), 0)).toEqual(['healthy', 0]);
    expect(judged(at('healthy', 0), 1)).toEqual(['healthy', 1]);
    expect(judged(at('healthy', 1), -1)).toEqual(['unhealthy', 2]);
  });

  it('does not count failures in the start period until one has succeeded', () => {
    expect(judged(at('starting', 0), 1, 1_000)).toEqual(['starting', 0]);
    expect(judged(at('healthy', 0), 1, 1_000)).toEqual(['healthy', 1]);
    expect(judged(at('starting', 0), 1, 6_000)).toEqual(['starting', 1]);
  });

  it('is kept for the last five', () => {
    const Log = [1, 2, 3, 4, 5].map(result);
    const { Log: kept } = afterResult({ ...at('healthy', 0), Log }, result(6), { check: {}, ageMs: 0 });
    expect(kept.map(({ ExitCode }) => ExitCode)).toEqual([2, 3, 4, 5, 6]);
  });
});

it('a check runs beside the command, as its user, and ps and inspect follow it', async () => {
  const check = 'id -un; echo told >&2; test -e /tmp/well';
  const options = ['--health-cmd', check, '--health-interval', '300ms', '--health-retries', '2', '-u', 'app'];
  bench.get('run', '-d', '--name', 'ill', ...options, 'box', 'sleep', '60');
  expect(statusOf('ill')).toMatch(/^Up .* \((?:health: starting|unhealthy)\)$/);
  await untilIs(() => healthOf('ill').Status, 'unhealthy');
  expect(statusOf('ill')).toMatch(/\(unhealthy\)$/);
  expect(healthOf('ill').Log.at(-1)).toMatchObject({ ExitCode: 1, Output: 'app\ntold\n' });
  expect(bench.get('ps', '-q', '--filter', 'health=unhealthy')).not.toBe('');
  bench.get('exec', '-u', '0', 'ill', 'touch', '/tmp/well');
  await untilIs(() => healthOf('ill').Status, 'healthy');
  expect(statusOf('ill')).toMatch(/\(healthy\)$/);
  bench.get('stop', '-t', '0', 'ill');
  expect(healthOf('ill')).toMatchObject({ Status: 'unhealthy', FailingStreak: 0 });
  expect(bench.get('ps', '-a', '--filter', 'name=ill', '--format', '{{.Status}}')).toMatch(/^Exited \(\d+\)/);
  bench.get('rm', 'ill');
}, 120_000);

it('a check that takes too long is ended, and has failed', async () => {
  const options = ['--health-cmd', 'sleep 50', '--health-interval', '100ms', '--health-timeout', '200ms'];
  bench.get('run', '-d', '--name', 'slow', ...options, 'box', 'sleep', '60');
  await until(() => healthOf('slow').Log.length > 0);
  const [first] = healthOf('slow').Log;
  expect(first).toMatchObject({ ExitCode: -1, Output: 'Health check exceeded timeout (200ms)' });
  bench.get('rm', '-f', 'slow');
}, 120_000);

it('HEALTHCHECK of an image is the container’s, less what the options say', async () => {
  mkdirSync(`${bench.root}/checked`);
  writeFileSync(
    `${bench.root}/checked/Dockerfile`,
    'FROM box\nHEALTHCHECK --interval=200ms --retries=2 CMD ["test","-e","/"]\n',
  );
  bench.get('image', 'build', '-q', '-t', 'checked', `${bench.root}/checked`);
  bench.get('run', '-d', '--name', 'well', '--health-retries', '7', 'checked', 'sleep', '60');
  expect(JSON.parse(bench.get('inspect', '-f', '{{json .Config.Healthcheck}}', 'well'))).toEqual({
    Test: ['CMD', 'test', '-e', '/'],
    Interval: 200_000_000,
    Retries: 7,
  });
  await untilIs(() => healthOf('well').Status, 'healthy');
  bench.get('rm', '-f', 'well');
  bench.get('run', '-d', '--name', 'unasked', '--no-healthcheck', 'checked', 'sleep', '60');
  expect(statusOf('unasked')).toMatch(/^Up [^(]*$/);
  expect(healthOf('unasked')).toBeNull();
  bench.get('rm', '-f', 'unasked');
}, 120_000);

it.each([
  [['--no-healthcheck', '--health-cmd', 'x'], 'conflicting options: --no-healthcheck'],
  [['--health-interval', '10us'], "invalid value '10us' for --health-interval"],
  [['--health-retries', '-1'], "invalid value '-1' for --health-retries"],
  [['--health-timeout', 'x'], "'x' is no duration"],
])('%j is refused', (options, message) => {
  const { code, stderr } = bench.do('run', '--rm', ...options, 'box', 'true');
  expect([code, stderr]).toEqual([125, expect.stringContaining(message)]);
});
