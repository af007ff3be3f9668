/**
 * Which devices a container's commands may open or make, where its cgroup says so: Docker's list (moby oci/defaults.go,
 * runc's allowed devices), the devices given, those bound, and the rules of `--device-cgroup-rule`.
 */

import { readdirSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { isMissing } from '../../store/atomic-file.js';
import type { ContainerRecord } from '../../store/container-record.js';
import { keptCapabilities } from '../enter/capabilities.js';

export interface DeviceRule {
  /** `a`: both kinds. */
  readonly type: 'a' | 'b' | 'c';
  /** Undefined: all. */
  readonly major: number | undefined;
  readonly minor: number | undefined;
  /** Letters of `rwm`. */
  readonly access: string;
}

const DEFAULT_RULES = [
  'b *:* m',
  'c *:* m',
  ...['1:3', '1:5', '1:7', '1:8', '1:9', '5:0', '5:1', '5:2', '136:*'].map((numbers) => `c ${numbers} rwm`),
].map((text) => parseDeviceRule(text)!);

/** `TYPE MAJOR:MINOR ACCESS`; undefined when it is none. */
export function parseDeviceRule(text: string): DeviceRule | undefined {
  const [, type, major, minor, access = ''] = /^([abc]) (\d+|\*):(\d+|\*) ([rwm]{1,3})$/.exec(text) ?? [];
  if (type === undefined) return undefined;
  const number = (word: string | undefined) => (word === '*' ? undefined : Number(word));
  return { type: type as DeviceRule['type'], major: number(major), minor: number(minor), access };
}

export function formatDeviceRule({ type, major, minor, access }: DeviceRule): string {
  return `${type} ${major ?? '*'}:${minor ?? '*'} ${access}`;
}

type DeviceNeed = 'none' | 'better' | 'must';

/**
 * Whether a container's devices are to be limited: `must` where the user asked for less than all, `better` where a
 * command could make or open what it was not given.
 */
export function deviceNeed({
  privileged,
  runtime = {},
}: Pick<ContainerRecord, 'privileged' | 'runtime'>): DeviceNeed {
  if (privileged) return 'none';
  const { devices = [], deviceRules = [] } = runtime;
  const isPart = devices.some(({ permissions }) => new Set(permissions).size < 3);
  if (isPart || deviceRules.length > 0) return 'must';
  return devices.length > 0 || keptCapabilities(runtime).includes('MKNOD') ? 'better' : 'none';
}

/** PRECONDITION: the devices given are there. */
export function deviceRules({
  runtime = {},
  mounts,
}: Pick<ContainerRecord, 'runtime' | 'mounts'>): DeviceRule[] {
  const given = (runtime.devices ?? []).flatMap(({ source, permissions }) => rulesFor(source, permissions));
  // A device that is bound by its name works here.
  const bound = mounts.flatMap(({ request }) =>
    request.type === 'bind' && request.source.startsWith('/dev/') ? rulesFor(request.source, 'rwm') : [],
  );
  const said = (runtime.deviceRules ?? []).flatMap((text) => parseDeviceRule(text) ?? []);
  return [...DEFAULT_RULES, ...given, ...bound, ...said];
}

function rulesFor(path: string, access: string): DeviceRule[] {
  const stat = statIfThere(path);
  if (stat === undefined) return [];
  if (stat.isDirectory()) return readdirSync(path).flatMap((name) => rulesFor(join(path, name), access));
  if (!stat.isCharacterDevice() && !stat.isBlockDevice()) return [];
  const [major, minor] = deviceNumbers(stat.rdev);
  return [{ type: stat.isBlockDevice() ? 'b' : 'c', major, minor, access }];
}

function statIfThere(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** As makedev(3) of glibc, which Node gives: 12 bits of major and 8 of minor, the rest above. */
function deviceNumbers(rdev: number): [major: number, minor: number] {
  const number = BigInt(rdev);
  const major = ((number >> 8n) & 0xfffn) | ((number >> 32n) & 0xfffff000n);
  const minor = (number & 0xffn) | ((number >> 12n) & 0xffffff00n);
  return [Number(major), Number(minor)];
}
