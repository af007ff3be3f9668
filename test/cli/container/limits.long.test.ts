/** Limits of a container on the host's cgroups: kept by the kernel, seen inside, gone afterwards. */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readHierarchies } from '../../../src/container/cgroup/hosts.js';
import { planCgroups } from '../../../src/container/cgroup/plan-cgroups.js';
import { cliScript } from '../plyfs-run.js';
import { ContainerBench } from './bench.js';

let bench: ContainerBench;
beforeAll(() => {
  bench = new ContainerBench('host');
  bench.addImages();
});
afterAll(() => bench.dispose());

/** Whether this host can keep them; where it cannot, that is what is asked for. */
const problem = (() => {
  try {
    planCgroups(
      'plyfs-probe',
      { limits: { memoryBytes: 1, nanoCpus: 1, pids: 1 }, devices: true },
      readHierarchies(),
    );
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
})();

/** What the container's state says of its cgroups. */
function cgroupsOf(name: string): string[] {
  const id = bench.get('inspect', '-f', '{{.Id}}', name);
  const state = JSON.parse(readFileSync(bench.store.path('containers', id, 'state.json'), 'utf8')) as {
    cgroups?: string[];
    supervisor?: { pid: number };
  };
  return state.cgroups ?? [];
}

describe.runIf(problem === undefined)('limits', () => {
  it('of memory end the command with 137, and inspect says why', () => {
    expect(bench.do('run', '--name', 'greedy', '-m', '16m', 'box', 'tail', '/dev/zero').code).toBe(137);
    const template =
      '{{.State.OOMKilled}} {{.State.ExitCode}} {{.HostConfig.Memory}} {{.HostConfig.MemorySwap}}';
    expect(bench.get('inspect', '-f', template, 'greedy')).toBe('true 137 16777216 33554432');
    bench.get('rm', 'greedy');
  });

  it('of memory that end another process are told too, as Docker tells them', () => {
    const script = '(tail /dev/zero); echo goes on';
    expect(bench.get('run', '--name', 'greedy', '-m', '16m', 'box', 'sh', '-c', script)).toBe('goes on');
    expect(bench.get('inspect', '-f', '{{.State.OOMKilled}} {{.State.ExitCode}}', 'greedy')).toBe('true 0');
    bench.get('rm', 'greedy');
  });

  it('of processes and CPUs hold, and hold for exec', () => {
    const options = ['--pids-limit', '4', '--cpuset-cpus', '0', '--cpus', '0.5', '-c', '300'];
    bench.get('run', '-d', '--name', 'small', ...options, 'box', 'sleep', '60');
    const { stderr } = bench.do('exec', 'small', 'sh', '-c', 'for i in 1 2 3 4 5; do sleep 1 & done; wait');
    expect(stderr).toMatch(/can't fork|Cannot fork/i);
    expect(bench.get('exec', 'small', 'nproc')).toBe('1');
    const template = '{{with .HostConfig}}{{.NanoCpus}} {{.CpuShares}} {{.CpusetCpus}} {{.PidsLimit}}{{end}}';
    expect(bench.get('inspect', '-f', template, 'small')).toBe('500000000 300 0 4');
    const cgroups = cgroupsOf('small');
    expect(cgroups.length).toBeGreaterThan(0);
    bench.get('rm', '-f', 'small');
    expect(cgroups.filter((path) => existsSync(path))).toEqual([]);
  });

  it('are seen where programs look for them, read-only', () => {
    const script =
      'cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max; cat /proc/mounts';
    const { stdout } = bench.do('run', '--rm', '-m', '32m', 'box', 'sh', '-c', script);
    expect(stdout).toMatch(/^33554432\n/);
    expect(stdout).toMatch(/ cgroup2? ro,/);
  });

  it('hold again after stop and start', () => {
    bench.get('run', '-d', '--name', 'again', '-m', '16m', 'box', 'sleep', '60');
    bench.get('stop', '-t', '0', 'again');
    bench.get('start', 'again');
    const cgroups = cgroupsOf('again');
    expect(cgroups.map((path) => existsSync(path))).toEqual([true]);
    expect(bench.do('exec', 'again', 'tail', '/dev/zero').code).toBe(137);
    bench.get('rm', '-f', 'again');
    expect(existsSync(cgroups[0]!)).toBe(false);
  });

  it('leave no cgroup when the supervisor is killed: the next command takes it away', () => {
    bench.get('run', '-d', '--name', 'orphan', '-m', '16m', 'box', 'sleep', '60');
    const id = bench.get('inspect', '-f', '{{.Id}}', 'orphan');
    const text = readFileSync(bench.store.path('containers', id, 'state.json'), 'utf8');
    const [supervisor, command] = ['supervisor', 'process'].map(
      (key) => (JSON.parse(text) as Record<string, { pid: number }>)[key]!.pid,
    );
    const cgroups = cgroupsOf('orphan');
    process.kill(supervisor!, 'SIGKILL');
    process.kill(command!, 'SIGKILL');
    bench.get('start', 'orphan');
    expect(cgroupsOf('orphan')).toEqual(cgroups);
    bench.get('rm', '-f', 'orphan');
    expect(cgroups.filter((path) => existsSync(path))).toEqual([]);
  });

  it('of devices: --device has the modes it says, and CAP_MKNOD opens nothing', () => {
    const script = '(: </dev/zero9) && echo r; (: >/dev/zero9) && echo w; true';
    expect(bench.sh(script, '--device', '/dev/zero:/dev/zero9:r')).toBe('r\nw');
    const fuse = '(: </dev/f) && echo r; (: >/dev/f) && echo w; true';
    expect(bench.sh(fuse, '--device', '/dev/fuse:/dev/f:r')).toBe('r');
    expect(bench.sh(fuse, '--device', '/dev/fuse:/dev/f')).toBe('r\nw');
    expect(bench.sh(fuse, '--device', '/dev/fuse:/dev/f:r', '--device-cgroup-rule', 'c 10:229 w')).toBe(
      'r\nw',
    );
    const node = 'mknod /dev/disk b 7 0 && echo made; (: </dev/disk) && echo opened; true';
    expect(bench.sh(node, '--cap-add', 'MKNOD')).toBe('made');
  });
});

describe('a limit that cannot be', () => {
  it.each([
    ['-m', '4m', /cannot limit memory to less than 6m/],
    ['--memory-swap', '64m', /cannot limit --memory-swap without --memory/],
    ['--cpus', '4000', /cannot limit to 4000 CPUs/],
    ['--device-cgroup-rule', 'x', /invalid device cgroup rule: 'x'/],
    ['--oom-score-adj', '2000', /invalid value '2000' for --oom-score-adj/],
  ])('is refused when the container is made: %s %s', (option, value, message) => {
    const { code, stderr } = bench.do('run', '--rm', option, value, 'box', 'true');
    expect([code, stderr]).toEqual([125, expect.stringMatching(message)]);
  });
});

it('a limit is refused in one line where there are no cgroups, and nothing else is', () => {
  const hidden = (...args: string[]) => {
    const hide = 'mount -t tmpfs none /sys/fs/cgroup && exec "$@"';
    const command = [process.execPath, cliScript, ...bench.withRoot(['run', '--rm', ...args])];
    const options = { env: bench.env, encoding: 'utf8', timeout: 60_000 } as const;
    return spawnSync('unshare', ['-m', 'sh', '-c', hide, 'sh', ...command], options);
  };
  const { status, stderr } = hidden('-m', '16m', 'box', 'true');
  expect([status, stderr.trim().split('\n')]).toEqual([125, [expect.stringContaining('cgroup')]]);
  const plain = hidden('box', 'sh', '-c', ':');
  expect([plain.status, plain.stderr]).toEqual([0, '']);
});

it('--oom-score-adj is the command’s', () => {
  expect(bench.get('run', '--rm', '--oom-score-adj', '77', 'box', 'cat', '/proc/self/oom_score_adj')).toBe(
    '77',
  );
});
