/** What `info` tells of the host, by the keys that Docker has for it; what has no meaning here is empty. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { availableParallelism, hostname, machine, release, totalmem } from 'node:os';
import { type Controller, type Hierarchy, readHierarchies } from '../../container/cgroup/hosts.js';
import { hasCode } from '../../errno/error-code.js';
import { DOCKER_HUB_KEY } from '../../image/registry/sign-in/docker-config.js';

export function hostFacts(root: string) {
  return {
    ID: idOf(root),
    ...driverFacts(),
    ...cgroupFacts(readHierarchies()),
    IPv4Forwarding: textOf('/proc/sys/net/ipv4/ip_forward').trim() === '1',
    Debug: false,
    SystemTime: new Date().toISOString(),
    LoggingDriver: 'json-file',
    ...machineFacts(osRelease()),
    IndexServerAddress: DOCKER_HUB_KEY,
    DockerRootDir: root,
    HttpProxy: withoutPassword('HTTP_PROXY'),
    HttpsProxy: withoutPassword('HTTPS_PROXY'),
    NoProxy: process.env.NO_PROXY ?? process.env.no_proxy ?? '',
    Name: hostname(),
    Labels: [],
    ExperimentalBuild: false,
    Runtimes: { plyfs: { path: '' } },
    DefaultRuntime: 'plyfs',
    Swarm: {
      NodeID: '',
      NodeAddr: '',
      LocalNodeState: 'inactive',
      ControlAvailable: false,
      Error: '',
      RemoteManagers: null,
    },
    // No process of plyfs' has to live on for a command to run.
    LiveRestoreEnabled: true,
    Isolation: '',
    InitBinary: '',
    SecurityOptions: securityOptions(),
    Warnings: [],
  };
}

function driverFacts() {
  return {
    Driver: 'plyfs',
    DriverStatus: [],
    Plugins: {
      Volume: ['local'],
      Network: ['host', 'null'],
      Authorization: null,
      Log: ['json-file', 'none'],
    },
  };
}

function machineFacts(system: ReadonlyMap<string, string>) {
  return {
    KernelVersion: release(),
    OperatingSystem: system.get('PRETTY_NAME') ?? 'Linux',
    OSVersion: system.get('VERSION_ID') ?? '',
    OSType: 'linux',
    Architecture: machine(),
    NCPU: availableParallelism(),
    MemTotal: totalmem(),
  };
}

function cgroupFacts(hierarchies: readonly Hierarchy[]) {
  const known = hierarchies.flatMap(({ version, controllers, root }) =>
    version === 1 ? controllers : textOf(`${root}/cgroup.controllers`).split(/\s+/),
  );
  const has = (name: Controller) => known.includes(name);
  return {
    MemoryLimit: has('memory'),
    SwapLimit: has('memory'),
    CpuCfsPeriod: has('cpu'),
    CpuCfsQuota: has('cpu'),
    CPUShares: has('cpu'),
    CPUSet: has('cpuset'),
    PidsLimit: has('pids'),
    OomKillDisable: false,
    CgroupDriver: hierarchies.length === 0 ? 'none' : 'cgroupfs',
    CgroupVersion: hierarchies.some(({ version }) => version === 1) ? '1' : '2',
  };
}

/** As Docker's: seccomp first; an ordinary user's containers have a user namespace. */
function securityOptions(): string[] {
  const isRoot = process.geteuid?.() === 0;
  return ['name=seccomp,profile=default', ...(isRoot ? [] : ['name=rootless'])];
}

/** The same for each call, another for each store: in the form of a UUID. */
function idOf(root: string): string {
  const digest = createHash('sha256')
    .update(`${textOf('/etc/machine-id')}\n${root}`)
    .digest('hex');
  return digest.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function withoutPassword(name: string): string {
  const value = process.env[name] ?? process.env[name.toLowerCase()] ?? '';
  return value.replace(/\/\/[^@/]*@/, '//xxxxx:xxxxx@');
}

/** os-release(5). */
function osRelease(): ReadonlyMap<string, string> {
  const text = textOf('/etc/os-release') || textOf('/usr/lib/os-release');
  const lines = text.split('\n').flatMap((line): [string, string][] => {
    const [, name, value] = /^([A-Z_]+)=(.*)$/.exec(line) ?? [];
    return name === undefined ? [] : [[name, (value ?? '').replace(/^(["'])(.*)\1$/, '$2')]];
  });
  return new Map(lines);
}

/** Empty where there is no such file. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES', 'ENOTDIR')) return '';
    throw error;
  }
}
