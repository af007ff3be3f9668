/** Where a container's cgroups go and what is written into them, on made-up hosts; and the filter of devices, on the kernel. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hadOomKill, makeCgroups, removeCgroups } from '../../../src/container/cgroup/cgroup.js';
import { encodeDeviceProgram } from '../../../src/container/cgroup/device-filter.js';
import { parseDeviceRule } from '../../../src/container/cgroup/device-rules.js';
import { type Hierarchy, parseHierarchies, readHierarchies } from '../../../src/container/cgroup/hosts.js';
import { planCgroups } from '../../../src/container/cgroup/plan-cgroups.js';
import { parseLimits } from '../../../src/container/make/resource-options.js';
import { loadDeviceProgram } from '../../../src/linux/bpf.js';
import { close } from '../../../src/linux/files/open.js';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'plyfs-cgroup-'));
});
afterAll(() => rmSync(root, { recursive: true }));

/** A made-up cgroup: a directory with the files that plyfs looks at. */
function cgroup(path: string, files: Readonly<Record<string, string>> = {}): string {
  const at = join(root, path);
  mkdirSync(at, { recursive: true });
  for (const [name, text] of Object.entries({ 'cgroup.procs': '', ...files }))
    writeFileSync(join(at, name), text);
  return at;
}

const read = (...path: string[]) => readFileSync(join(...path), 'latin1');

const LIMITS = parseLimits({
  memory: '64m',
  memorySwap: '96m',
  memoryReservation: '32m',
  cpus: '0.5',
  cpuShares: '512',
  cpusetCpus: '0',
  pidsLimit: '30',
})!;

describe('hierarchies of a host', () => {
  it('are found from mountinfo and the own cgroups, also below a namespace’s root', () => {
    const mountinfo = [
      '30 20 0:26 / /sys/fs/cgroup rw,nosuid - tmpfs tmpfs rw',
      '31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct',
      '32 30 0:28 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory',
      '33 30 0:29 /elsewhere /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids',
      '34 30 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw',
    ].join('\n');
    const own = '4:pids:/docker/abc\n3:memory:/docker/abc/deep\n2:cpu,cpuacct:/\n0::/user/one\n';
    expect(parseHierarchies(mountinfo, own)).toEqual([
      {
        version: 1,
        controllers: ['rw', 'cpu', 'cpuacct'],
        root: '/sys/fs/cgroup/cpu,cpuacct',
        own: '/sys/fs/cgroup/cpu,cpuacct/',
      },
      {
        version: 1,
        controllers: ['rw', 'memory'],
        root: '/sys/fs/cgroup/memory',
        own: '/sys/fs/cgroup/memory/deep',
      },
      { version: 2, controllers: [], root: '/sys/fs/cgroup/unified', own: '/sys/fs/cgroup/unified/user/one' },
    ]);
  });
});

describe('cgroup version 1', () => {
  it('has a directory below the own one in each hierarchy, with Docker’s values', () => {
    const hierarchies = ['memory', 'cpu', 'cpuset', 'pids'].map((name): Hierarchy => {
      const files = name === 'cpuset' ? { 'cpuset.cpus': '0-3\n', 'cpuset.mems': '0\n' } : {};
      const own = cgroup(`one/${name}/session`, files);
      return { version: 1, controllers: [name], root: join(root, 'one', name), own };
    });
    const made = makeCgroups(planCgroups('plyfs-x', { limits: LIMITS, devices: false }, hierarchies), []);
    expect(made).toEqual(
      ['memory', 'cpu', 'cpuset', 'pids'].map((name) => join(root, 'one', name, 'session/plyfs-x')),
    );
    const [memory = '', cpu = '', cpuset = '', pids = ''] = made;
    expect(read(memory, 'memory.limit_in_bytes')).toBe(String(64 << 20));
    expect(read(memory, 'memory.memsw.limit_in_bytes')).toBe(String(96 << 20));
    expect(read(memory, 'memory.soft_limit_in_bytes')).toBe(String(32 << 20));
    expect([read(cpu, 'cpu.cfs_quota_us'), read(cpu, 'cpu.cfs_period_us')]).toEqual(['50000', '100000']);
    expect(read(cpu, 'cpu.shares')).toBe('512');
    expect([read(cpuset, 'cpuset.cpus'), read(cpuset, 'cpuset.mems')]).toEqual(['0', '0']);
    expect(read(pids, 'pids.max')).toBe('30');
  });
});

describe('cgroup version 2', () => {
  const all = { 'cgroup.controllers': 'cpuset cpu io memory pids' };
  const unified = (path: string): Hierarchy => ({
    version: 2,
    controllers: [],
    root: join(root, path.split('/')[0]!),
    own: join(root, path),
  });

  it('goes below the nearest cgroup that gives its children the controllers', () => {
    cgroup('two', { ...all, 'cgroup.subtree_control': 'cpuset cpu memory pids' });
    cgroup('two/slice', { ...all, 'cgroup.subtree_control': 'cpuset cpu memory pids' });
    cgroup('two/slice/scope', { ...all, 'cgroup.subtree_control': '' });
    const planned = planCgroups('plyfs-x', { limits: LIMITS, devices: false }, [unified('two/slice/scope')]);
    const [made = ''] = makeCgroups(planned, []);
    expect(made).toBe(join(root, 'two/slice/plyfs-x'));
    expect(read(made, 'memory.max')).toBe(String(64 << 20));
    expect(read(made, 'memory.low')).toBe(String(32 << 20));
    expect(read(made, 'memory.swap.max')).toBe(String(32 << 20));
    expect([read(made, 'cpu.max'), read(made, 'cpu.weight')]).toEqual(['50000 100000', '20']);
    expect([read(made, 'cpuset.cpus'), read(made, 'pids.max')]).toEqual(['0', '30']);
  });

  it('lets a cgroup give them where none does', () => {
    const own = cgroup('give', { ...all, 'cgroup.subtree_control': '' });
    const planned = planCgroups('plyfs-x', { limits: { pids: 5 }, devices: false }, [unified('give')]);
    expect(planned.map(({ path }) => path)).toEqual([join(own, 'plyfs-x')]);
    expect(read(own, 'cgroup.subtree_control')).toBe('+pids');
  });
});

describe('a limit that cannot be kept', () => {
  const plan = (hierarchies: readonly Hierarchy[]) => () =>
    planCgroups('plyfs-x', { limits: LIMITS, devices: false }, hierarchies);

  it('is refused with the reason', () => {
    expect(plan([])).toThrow('cannot keep the limit --memory: no cgroups are mounted on this host');
    cgroup('poor', { 'cgroup.controllers': 'hugetlb' });
    const poor: Hierarchy = {
      version: 2,
      controllers: [],
      root: join(root, 'poor'),
      own: join(root, 'poor'),
    };
    expect(plan([poor])).toThrow("no cgroup hierarchy of this host has the controller 'memory'");
    const gone: Hierarchy = {
      version: 1,
      controllers: ['memory', 'cpu', 'cpuset', 'pids'],
      root,
      own: join(root, 'gone'),
    };
    expect(plan([gone])).toThrow(`there is no cgroup '${join(root, 'gone')}'`);
  });
});

describe('kills of the kernel’s', () => {
  it('are told by either version', () => {
    const first = cgroup('kills/1', {
      'memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 2\n',
    });
    const second = cgroup('kills/2', { 'memory.events': 'low 0\noom 1\noom_kill 1\noom_group_kill 0\n' });
    const none = cgroup('kills/0', { 'memory.events': 'low 0\noom_kill 0\n' });
    expect([[first], [second], [none], []].map(hadOomKill)).toEqual([true, true, false, false]);
  });
});

describe('limits as given', () => {
  it.each([
    [{ memory: '4m' }, 'cannot limit memory to less than 6m'],
    [{ memorySwap: '10m' }, 'cannot limit --memory-swap without --memory'],
    [{ memory: '16m', memorySwap: '10m' }, 'cannot limit --memory-swap to less than --memory'],
    [{ memory: '16m', memoryReservation: '32m' }, 'cannot reserve more memory'],
    [{ cpus: '1000' }, 'cannot limit to 1000 CPUs'],
    [{ cpus: 'x' }, "invalid value 'x' for --cpus"],
    [{ cpus: '0.5', cpuQuota: '1000' }, 'conflicting options: --cpus'],
    [{ cpuPeriod: '1' }, "invalid value '1' for --cpu-period"],
    [{ cpuQuota: '1' }, "invalid value '1' for --cpu-quota"],
    [{ cpuShares: '1' }, "invalid value '1' for --cpu-shares"],
    [{ cpusetCpus: 'x' }, "invalid value 'x' for --cpuset-cpus"],
    [{ cpusetCpus: '0-4000' }, "cannot use the CPUs '0-4000'"],
    [{ pidsLimit: 'x' }, "invalid value 'x' for --pids-limit"],
    [{ memorySwappiness: '101' }, "invalid value '101' for --memory-swappiness"],
  ])('refuses what Docker refuses: %j', (options, message) => {
    expect(() => parseLimits(options)).toThrow(message);
  });

  it('takes zero, and a negative number of processes, for none', () => {
    expect(parseLimits({ memory: '0', pidsLimit: '-1', cpus: '0' })).toBeUndefined();
  });
});

describe('the filter of devices', () => {
  it('is a program that the kernel takes', () => {
    const rules = ['b *:* m', 'c 1:3 rwm', 'c 10:200 r', 'a 7:* rw'].map((text) => parseDeviceRule(text)!);
    const fd = loadDeviceProgram(encodeDeviceProgram(rules));
    // Who may not load any is told so before the program is looked at.
    expect(fd > 0 || fd === -1).toBe(true);
    if (fd > 0) close(fd);
  });

  const second = readHierarchies().find(({ version }) => version === 2);
  const isOurs = second !== undefined && process.getuid?.() === 0;

  it.runIf(isOurs)('lets the processes of a cgroup open what the rules say, and nothing else', async () => {
    const path = join(second!.own, `plyfs-test-${process.pid}`);
    const rules = ['c *:* m', 'c 1:3 rwm', 'c 1:5 r'].map((text) => parseDeviceRule(text)!);
    const made = makeCgroups([{ path, version: 2, controllers: ['devices'], settings: [] }], rules);
    const script = `echo $$ >${path}/cgroup.procs
      for at in null zero full; do : </dev/$at && echo "$at r"; (: >/dev/$at) && echo "$at w"; done`;
    const { stdout } = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
    expect(await removeCgroups(made)).toBe(true);
    expect(stdout.trim().split('\n')).toEqual(['null r', 'null w', 'zero r']);
  });
});
