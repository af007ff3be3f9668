/**
 * Options of `run` and `create` about what a command may do and sees of the host, checked when the container is made.
 */

import { isIP } from 'node:net';
import { UserError } from '../../errno/user-error.js';
import { parseSize } from '../../mounts/request/size.js';
import type { DeviceMapping, ResourceLimit, RuntimeOptions } from '../../store/container-record.js';
import { CAPABILITY_NAMES, RESOURCE_NAMES } from '../enter/capability-names.js';
import { checkDeviceRule, type LimitOptions, parseLimits, parseOomScoreAdj } from './resource-options.js';

/** As given. */
export interface RuntimeRequest extends LimitOptions {
  /** True: a first process reaps what is left behind and passes signals on. */
  readonly init?: boolean | undefined;
  /** `host`, the default, or `none`: only lo. */
  readonly network?: string | undefined;
  /** The NIS domain name inside. */
  readonly domainName?: string | undefined;
  /** Supplementary groups, names or numbers. */
  readonly groupAdd?: readonly string[] | undefined;
  /** `NAME:ADDRESS`: lines more in /etc/hosts. */
  readonly addHost?: readonly string[] | undefined;
  /** As `NET_ADMIN`, or `ALL`. */
  readonly capAdd?: readonly string[] | undefined;
  /** As `CHOWN`, or `ALL`. */
  readonly capDrop?: readonly string[] | undefined;
  /** `SOURCE[:TARGET[:rwm]]`: devices of the host. */
  readonly device?: readonly string[] | undefined;
  /** `TYPE MAJOR:MINOR MODE`, as `c 10:200 rwm`. */
  readonly deviceCgroupRule?: readonly string[] | undefined;
  /** From -1000 to 1000: the highest is ended first. */
  readonly oomScoreAdj?: string | undefined;
  /** `size=BYTES`: how much it may change. */
  readonly storageOptions?: readonly string[] | undefined;
  /** `NAME=SOFT[:HARD]`, as `nofile=1024:4096`. */
  readonly ulimit?: readonly string[] | undefined;
  /** `NAME=VALUE`, of the container's own namespaces. */
  readonly sysctl?: readonly string[] | undefined;
  /** As `--security-opt`: `no-new-privileges`, `seccomp=unconfined`. */
  readonly securityOpt?: readonly string[] | undefined;
  /** How large /dev/shm is, as `64m`. */
  readonly shmSize?: string | undefined;
  /** Name servers instead of the host's. */
  readonly dns?: readonly string[] | undefined;
  /** Search domains instead of the host's. */
  readonly dnsSearch?: readonly string[] | undefined;
  /** Options of /etc/resolv.conf. */
  readonly dnsOption?: readonly string[] | undefined;
}

/** @throws UserError */
export function runtimeOptions(options: RuntimeRequest): RuntimeOptions {
  const limits = parseLimits(options);
  return {
    ...(options.init === true ? { init: true } : {}),
    ...(options.domainName === undefined ? {} : { domainName: options.domainName }),
    ...listed('groupAdd', options.groupAdd, (text) => text),
    ...listed('addHost', options.addHost, parseHost),
    ...listed('devices', options.device, parseDevice),
    ...listed('deviceRules', options.deviceCgroupRule, checkDeviceRule),
    ...(limits === undefined ? {} : { limits }),
    ...storageOf(options.storageOptions ?? []),
    ...(options.oomScoreAdj === undefined ? {} : { oomScoreAdj: parseOomScoreAdj(options.oomScoreAdj) }),
    ...listed('ulimits', options.ulimit, parseUlimit),
    ...listed('sysctls', options.sysctl, (text) => parseSysctl(text, parseNetwork(options.network))),
    ...listed('dns', options.dns, parseAddress),
    ...listed('dnsSearch', options.dnsSearch, (text) => text),
    ...listed('dnsOptions', options.dnsOption, (text) => text),
    ...securityOptions(options.securityOpt ?? []),
    ...shmOf(options.shmSize),
  };
}

/** Which names there are the kernel of the host decides. @throws UserError */
export function capabilityOptions(options: RuntimeRequest): Pick<RuntimeOptions, 'capAdd' | 'capDrop'> {
  return {
    ...listed('capAdd', options.capAdd, parseCapability),
    ...listed('capDrop', options.capDrop, parseCapability),
  };
}

function listed<K extends string, T>(
  key: K,
  texts: readonly string[] | undefined,
  parse: (text: string) => T,
): { readonly [key in K]?: readonly T[] } {
  const entry: { [key in K]?: readonly T[] } = {};
  if (texts !== undefined && texts.length > 0) entry[key] = texts.map(parse);
  return entry;
}

/** @throws UserError */
export function parseNetwork(text: string | undefined): 'host' | 'none' {
  if (text === undefined || text === 'host') return 'host';
  if (text === 'none') return 'none';
  throw new UserError(`cannot use the network '${text}': plyfs makes no networks`, {
    hint: "'host', the default, or 'none'",
  });
}

/** `NAME:ADDRESS` or `NAME=ADDRESS`, the address in brackets or not; `host-gateway` is this host, whose network it is. */
function parseHost(text: string): string {
  const [, name, address = ''] = /^([^:=]+)[:=](.*)$/.exec(text) ?? [];
  const plain = address.replace(/^\[(.*)\]$/, '$1');
  const meant = plain === 'host-gateway' ? '127.0.0.1' : plain;
  if (name === undefined)
    throw new UserError(`bad format for add-host: '${text}'`, { hint: 'write NAME:ADDRESS' });
  if (isIP(meant) === 0) throw new UserError(`invalid IP address in add-host: '${plain}'`);
  return `${meant}\t${name}`;
}

function parseAddress(text: string): string {
  if (isIP(text) === 0) throw new UserError(`${text} is not an ip address`);
  return text;
}

/** With or without `CAP_`, in either case; `ALL`. */
function parseCapability(text: string): string {
  const name = text.toUpperCase().replace(/^CAP_/, '');
  if (name === 'ALL' || CAPABILITY_NAMES.includes(name)) return name;
  throw new UserError(`invalid capability: '${text}'`, { hint: "as 'NET_ADMIN', or 'ALL'" });
}

/** `SOURCE[:TARGET][:rwm]`. */
function parseDevice(text: string): DeviceMapping {
  const parts = text.split(':');
  const [source = '', second, third] = parts;
  const isMode = (part: string | undefined) => part !== undefined && /^[rwm]{1,3}$/.test(part);
  const target = second === undefined || isMode(second) ? source : second;
  const permissions = isMode(second) && third === undefined ? second : (third ?? 'rwm');
  if (!source.startsWith('/') || parts.length > 3 || !isMode(permissions)) {
    throw new UserError(`invalid device specification: '${text}'`, { hint: 'write SOURCE[:TARGET[:rwm]]' });
  }
  if (!/^\/dev\/[^/]/.test(target) || target.split('/').includes('..')) {
    throw new UserError(`cannot give the device '${source}' as '${target}': that is not below /dev`);
  }
  return { source, target, permissions: permissions ?? 'rwm' };
}

/** `NAME=SOFT[:HARD]`; -1 is no limit. */
function parseUlimit(text: string): ResourceLimit {
  const [, name = '', softText = '', hardText = softText] =
    /^([^=]+)=(-?\d+|unlimited)(?::(-?\d+|unlimited))?$/.exec(text) ?? [];
  if (name === '')
    throw new UserError(`invalid ulimit argument: '${text}'`, { hint: 'write NAME=SOFT[:HARD]' });
  if (!RESOURCE_NAMES.has(name)) throw new UserError(`invalid ulimit type: '${name}'`);
  const [soft, hard] = [softText, hardText].map((value) => (value === 'unlimited' ? -1 : Number(value)));
  if (hard !== -1 && (soft === -1 || (soft ?? 0) > (hard ?? 0))) {
    throw new UserError(`ulimit soft limit must be less than or equal to hard limit: '${text}'`);
  }
  return { name, soft: soft ?? -1, hard: hard ?? -1 };
}

const IPC_SYSCTL =
  /^(kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)|fs\.mqueue\..+)$/;

/** Those that belong to the container's own namespaces. */
function parseSysctl(text: string, network: string): string {
  const [, name = ''] = /^([^=]+)=/.exec(text) ?? [];
  if (name === '') throw new UserError(`invalid sysctl '${text}'`, { hint: 'write NAME=VALUE' });
  if (IPC_SYSCTL.test(name) || (name.startsWith('net.') && network === 'none')) return text;
  const reason = name.startsWith('net.')
    ? "the network is the host's; with --network none it can be"
    : "it is the host's";
  throw new UserError(`sysctl '${name}' cannot be set for a container: ${reason}`);
}

const UNCONFINED = ['seccomp=unconfined', 'apparmor=unconfined', 'label=disable', 'systempaths=unconfined'];

function securityOptions(
  texts: readonly string[],
): Pick<RuntimeOptions, 'noNewPrivileges' | 'securityOptions' | 'filtersCalls'> {
  if (texts.length === 0) return {};
  let noNewPrivileges = false;
  for (const text of texts) {
    const plain = text.replace(/^(seccomp|apparmor|label|systempaths|no-new-privileges):/, '$1=');
    const flag = /^no-new-privileges(?:=(true|false))?$/.exec(plain);
    if (flag !== null) noNewPrivileges = flag[1] !== 'false';
    else if (!UNCONFINED.includes(plain) && !plain.startsWith('label=')) {
      throw new UserError(`cannot apply --security-opt '${text}'`, {
        hint: "'no-new-privileges', or what asks for no confinement ('seccomp=unconfined')",
      });
    }
  }
  return {
    securityOptions: texts,
    ...(noNewPrivileges ? { noNewPrivileges } : {}),
    ...(texts.some((text) => /^seccomp[=:]unconfined$/.test(text)) ? { filtersCalls: false } : {}),
  };
}

/** Zero is the default, as in Docker. */
function shmOf(text: string | undefined): Pick<RuntimeOptions, 'shmBytes'> {
  const bytes = text === undefined ? 0 : parseSize(text);
  return bytes === 0 ? {} : { shmBytes: bytes };
}

/** `size=BYTES`. */
function storageOf(texts: readonly string[]): Pick<RuntimeOptions, 'storageBytes'> {
  let found: Pick<RuntimeOptions, 'storageBytes'> = {};
  for (const text of texts) {
    const [, size] = /^size=(.*)$/.exec(text) ?? [];
    if (size === undefined)
      throw new UserError(`unknown storage option '${text}'`, { hint: 'there is size=, as size=10g' });
    found = { storageBytes: parseSize(size) };
  }
  return found;
}
