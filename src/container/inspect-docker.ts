/**
 * The keys of Docker's inspect that say how a container is run, with the values that hold for plyfs: so a template for
 * Docker finds each, also where there is nothing to set. Lists and maps that are not there are null, as Docker has them.
 */

import type { ContainerMount, ContainerRecord } from '../store/container-record.js';

const SHM_BYTES = 64 << 20;

/** What `docker inspect` has below `HostConfig`. */
export function hostConfigOf(record: ContainerRecord) {
  const runtime = record.runtime ?? {};
  return {
    Binds: bindsOf(record.mounts),
    ContainerIDFile: '',
    LogConfig: { Type: record.logDriver ?? 'json-file', Config: {} },
    NetworkMode: networkOf(record),
    PortBindings: {},
    RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
    AutoRemove: record.autoRemove,
    VolumeDriver: '',
    VolumesFrom: null,
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
    OomScoreAdj: 0,
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
    Sysctls: runtime.sysctls === undefined ? undefined : Object.fromEntries(runtime.sysctls.map(pairOf)),
    Devices: (runtime.devices ?? []).map(({ source, target, permissions }) => ({
      PathOnHost: source,
      PathInContainer: target,
      CgroupPermissions: permissions,
    })),
    Ulimits: runtime.ulimits?.map(({ name, soft, hard }) => ({ Name: name, Hard: hard, Soft: soft })) ?? null,
    ...LIMITS,
  };
}

/** `host`, or `none`: the name of its only network. */
export function networkOf({ network }: Pick<ContainerRecord, 'network'>): 'host' | 'none' {
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

/** No limit is kept. */
const LIMITS = {
  CpuShares: 0,
  Memory: 0,
  NanoCpus: 0,
  CgroupParent: '',
  BlkioWeight: 0,
  CpuPeriod: 0,
  CpuQuota: 0,
  CpusetCpus: '',
  CpusetMems: '',
  MemoryReservation: 0,
  MemorySwap: 0,
  OomKillDisable: false,
  PidsLimit: null,
};

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
    .map(({ request }) => ({
      Type: request.type,
      ...(request.source === undefined ? {} : { Source: request.source }),
      Target: request.target,
      ...(request.readOnly ? { ReadOnly: true } : {}),
    }));
  return found.length === 0 ? undefined : found;
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
