/**
 * The keys of Docker's inspect that say how a container is run, with the values that hold for plyfs: so a template for
 * Docker finds each, also where there is nothing to set. Lists and maps that are not there are null, as Docker has them.
 */

import { mountKindOf } from '../../mounts/request/kinds/mount-kinds.js';
import type { MountRequest } from '../../mounts/request/types.js';
import type { ContainerMount, ContainerRecord, RuntimeOptions } from '../../store/container-record.js';
import { swapOf } from '../cgroup/settings.js';
import { HIDDEN_PATHS } from '../enter/namespace/hidden-paths.js';

const SHM_BYTES = 64 << 20;

/** What `docker inspect` has below `HostConfig`. */
export function hostConfigOf(record: ContainerRecord) {
  const runtime = record.runtime ?? {};
  return {
    Binds: bindsOf(record.mounts),
    ContainerIDFile: record.idFile ?? '',
    LogConfig: { Type: record.logDriver ?? 'json-file', Config: record.logOptions ?? {} },
    NetworkMode: networkOf(record),
    PortBindings: {},
    RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
    AutoRemove: record.autoRemove,
    VolumeDriver: '',
    VolumesFrom: record.volumesFrom ?? null,
    ConsoleSize: [0, 0],
    CapAdd: capabilities(runtime.capAdd),
    CapDrop: capabilities(runtime.capDrop),
    CgroupnsMode: 'host',
    Dns: runtime.dns ?? [],
    DnsOptions: runtime.dnsOptions ?? [],
    DnsSearch: runtime.dnsSearch ?? [],
    ExtraHosts: runtime.addHost?.map(hostOf) ?? null,
    GroupAdd: runtime.groupAdd ?? null,
    IpcMode: 'private',
    Cgroup: '',
    Links: null,
    OomScoreAdj: runtime.oomScoreAdj ?? 0,
    PidMode: '',
    Privileged: record.privileged,
    PublishAllPorts: false,
    ReadonlyRootfs: record.readOnly,
    SecurityOpt: runtime.securityOptions ?? null,
    Tmpfs: tmpfsOf(record.mounts),
    Mounts: mountsOf(record.mounts),
    UTSMode: '',
    UsernsMode: '',
    ShmSize: runtime.shmBytes ?? SHM_BYTES,
    Runtime: 'plyfs',
    Isolation: '',
    Init: runtime.init,
    StorageOpt: runtime.storageBytes === undefined ? undefined : { size: String(runtime.storageBytes) },
    Sysctls: runtime.sysctls === undefined ? undefined : Object.fromEntries(runtime.sysctls.map(pairOf)),
    ...limitsOf(runtime),
    ...pathsOf(record),
  };
}

/** `host`, or `none`: the name of its only network. */
function networkOf({ network }: Pick<ContainerRecord, 'network'>): 'host' | 'none' {
  return network ?? 'host';
}

function capabilities(names: readonly string[] | undefined): string[] | null {
  return names?.map((name) => (name === 'ALL' ? name : `CAP_${name}`)) ?? null;
}

/** `NAME:ADDRESS` of a line of /etc/hosts. */
function hostOf(line: string): string {
  const [address = '', name = ''] = line.split(/\s+/);
  return `${name}:${address}`;
}

function pairOf(text: string): [string, string] {
  const equals = text.indexOf('=');
  return [text.slice(0, equals), text.slice(equals + 1)];
}

/** The paths of /proc and /sys that are hidden or read-only; `--privileged` hides none. */
function pathsOf({ privileged }: ContainerRecord) {
  if (privileged) return { MaskedPaths: null, ReadonlyPaths: null };
  const below = (key: 'covered' | 'readOnly') =>
    HIDDEN_PATHS.flatMap(({ place, [key]: names }) => names.map((name) => `${place}/${name}`));
  return { MaskedPaths: below('covered'), ReadonlyPaths: below('readOnly') };
}

/** Zero: no limit. */
function limitsOf({ limits = {}, devices = [], deviceRules, ulimits }: RuntimeOptions) {
  return {
    CpuShares: limits.cpuShares ?? 0,
    Memory: limits.memoryBytes ?? 0,
    NanoCpus: limits.nanoCpus ?? 0,
    CgroupParent: '',
    BlkioWeight: 0,
    BlkioWeightDevice: null,
    BlkioDeviceReadBps: null,
    BlkioDeviceWriteBps: null,
    BlkioDeviceReadIOps: null,
    BlkioDeviceWriteIOps: null,
    CpuPeriod: limits.cpuPeriodUs ?? 0,
    CpuQuota: limits.cpuQuotaUs ?? 0,
    CpuRealtimePeriod: 0,
    CpuRealtimeRuntime: 0,
    CpusetCpus: limits.cpusetCpus ?? '',
    CpusetMems: limits.cpusetMems ?? '',
    Devices: devices.map(({ source, target, permissions }) => ({
      PathOnHost: source,
      PathInContainer: target,
      CgroupPermissions: permissions,
    })),
    DeviceCgroupRules: deviceRules ?? null,
    DeviceRequests: null,
    MemoryReservation: limits.memoryReservationBytes ?? 0,
    MemorySwap: swapOf(limits) ?? 0,
    MemorySwappiness: limits.swappiness ?? null,
    OomKillDisable: false,
    PidsLimit: limits.pids ?? null,
    Ulimits: ulimits?.map(({ name, soft, hard }) => ({ Name: name, Hard: hard, Soft: soft })) ?? null,
    CpuCount: 0,
    CpuPercent: 0,
    IOMaximumIOps: 0,
    IOMaximumBandwidth: 0,
  };
}

/** What was typed behind `-v`, but for anonymous volumes. */
function bindsOf(mounts: readonly ContainerMount[]): string[] | null {
  const specs = mounts
    .filter(({ origin, request }) => origin === 'volume' && request.spec.includes(':'))
    .map(({ request }) => request.spec);
  return specs.length === 0 ? null : specs;
}

/** Undefined, as Docker leaves it out: there is none. */
function tmpfsOf(mounts: readonly ContainerMount[]): Record<string, string> | undefined {
  const found = mounts
    .filter(({ origin }) => origin === 'tmpfs')
    .map(({ request }): [string, string] => {
      const colon = request.spec.indexOf(':');
      return [request.target, colon < 0 ? '' : request.spec.slice(colon + 1)];
    });
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

function mountsOf(mounts: readonly ContainerMount[]) {
  const found = mounts
    .filter(({ origin }) => origin === 'mount')
    .map(({ request, unnamed }) => ({
      Type: request.type,
      ...(request.source === undefined || unnamed === true ? {} : { Source: request.source }),
      Target: request.target,
      ...(request.readOnly ? { ReadOnly: true } : {}),
      ...optionsOf(request),
    }));
  return found.length === 0 ? undefined : found;
}

/** Docker's record of the options of a type, where one of them was given. */
function optionsOf(request: MountRequest) {
  const { key, options } = mountKindOf(request).describe(request);
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return given.length === 0 ? {} : { [key]: Object.fromEntries(given) };
}

/** Targets of anonymous volumes, of the image's too. */
export function anonymousVolumesOf(mounts: readonly ContainerMount[]): Record<string, object> | null {
  const found = mounts.filter(
    ({ origin, request }) =>
      request.type === 'volume' &&
      (origin === 'image' || (origin === 'volume' && !request.spec.includes(':'))),
  );
  return found.length === 0 ? null : Object.fromEntries(found.map(({ request }) => [request.target, {}]));
}

/** The container is on the host's network: it has no address of its own. */
const NETWORK_SETTINGS = {
  Bridge: '',
  SandboxID: '',
  HairpinMode: false,
  LinkLocalIPv6Address: '',
  LinkLocalIPv6PrefixLen: 0,
  Ports: {},
  SandboxKey: '',
  SecondaryIPAddresses: null,
  SecondaryIPv6Addresses: null,
  EndpointID: '',
  Gateway: '',
  GlobalIPv6Address: '',
  GlobalIPv6PrefixLen: 0,
  IPAddress: '',
  IPPrefixLen: 0,
  IPv6Gateway: '',
  MacAddress: '',
};

const ENDPOINT = {
  IPAMConfig: null,
  Links: null,
  Aliases: null,
  NetworkID: '',
  EndpointID: '',
  Gateway: '',
  IPAddress: '',
  IPPrefixLen: 0,
  IPv6Gateway: '',
  GlobalIPv6Address: '',
  GlobalIPv6PrefixLen: 0,
  MacAddress: '',
  DriverOpts: null,
};

export function networkSettingsOf(record: ContainerRecord) {
  return { ...NETWORK_SETTINGS, Networks: { [networkOf(record)]: ENDPOINT } };
}

/** `Mode` and `Propagation` of a mount. */
export function mountMode({ origin, request }: ContainerMount): { Mode: string; Propagation: string } {
  const isTyped = origin === 'volume';
  const parts = isTyped ? request.spec.split(':') : [];
  const isNamed = request.type === 'volume' && (parts.length > 1 || origin === 'mount');
  return {
    Mode: parts.length > 2 ? (parts.at(-1) ?? '') : isNamed ? 'z' : '',
    Propagation: request.type === 'bind' ? (request.propagation ?? 'rprivate') : '',
  };
}
