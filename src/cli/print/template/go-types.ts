/** The types that Docker's structs have, by the names of their fields (moby, api/types): what `printf "%T"` tells. */

const TYPES: Readonly<Record<string, readonly string[]>> = {
  int: ['CPUCount', 'ExitCode', 'MaximumRetryCount', 'OomScoreAdj', 'Pid', 'RestartCount', 'FailingStreak'],
  int64: [
    ...['BlkioWeight', 'CpuCount', 'CpuPercent', 'CpuPeriod', 'CpuQuota', 'CpuRealtimePeriod', 'CpuShares'],
    ...['CpuRealtimeRuntime', 'IOMaximumBandwidth', 'IOMaximumIOps', 'KernelMemory', 'Memory', 'NanoCpus'],
    ...['MemoryReservation', 'MemorySwap', 'ShmSize', 'Size', 'VirtualSize'],
  ],
  '*int64': ['MemorySwappiness', 'PidsLimit', 'SizeRootFs', 'SizeRw'],
  '*int': ['StopTimeout'],
  '*bool': ['Init', 'OomKillDisable'],
  'strslice.StrSlice': ['CapAdd', 'CapDrop', 'Cmd', 'Entrypoint'],
  '[]string': [
    'Args',
    'Binds',
    'Dns',
    'Env',
    'ExecIDs',
    'ExtraHosts',
    'GroupAdd',
    'OnBuild',
    'RepoTags',
    'Shell',
  ],
  'map[string]string': ['Labels', 'Options', 'StorageOpt', 'Sysctls', 'Tmpfs'],
  'map[string]struct {}': ['Volumes'],
  'nat.PortSet': ['ExposedPorts'],
  'nat.PortMap': ['PortBindings', 'Ports'],
  '*container.State': ['State'],
  '*container.Config': ['Config'],
  '*container.HostConfig': ['HostConfig'],
  '[]container.MountPoint': ['Mounts'],
  'container.NetworkMode': ['NetworkMode'],
};

const TYPE_OF = new Map(
  Object.entries(TYPES).flatMap(([type, names]) => names.map((name) => [name, type] as const)),
);

/** A value with the type of the field that it is from. */
export class Typed {
  readonly value: unknown;
  readonly type: string;

  constructor(value: unknown, type: string) {
    this.value = value;
    this.type = type;
  }
}

/** @returns the value itself when the field has the type that it seems to have. */
export function typedAs(field: string, value: unknown): unknown {
  const type = TYPE_OF.get(field);
  return type === undefined ? value : new Typed(value, type);
}
