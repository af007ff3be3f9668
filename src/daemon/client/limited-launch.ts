/**
 * What serves a mount of root's starts with the capabilities that serving takes, and can get no others, nor can what it starts: all of
 * its threads, so it is done before Node begins, by setpriv(1) of util-linux. Where that is missing it has what root has.
 */

import { readFileSync, realpathSync } from 'node:fs';
import { codeOf } from '../../errno/error-code.js';

const CAP_SETPCAP = 8;
const SETPRIV = '/usr/bin/setpriv';

/** By number, as in linux/capability.h: what is kept, and for what. */
export const KEPT_CAPABILITIES: ReadonlyMap<number, string> = new Map([
  [0, 'chown: owners of what is copied up and made'],
  [1, 'dac_override: layers, upper and binds of all owners'],
  [2, 'dac_read_search: open_by_handle_at(2) of index and origins, before Linux 6.11'],
  [3, 'fowner: modes and times of what others own'],
  [4, 'fsetid: set-id bits that stay'],
  [6, 'setgid: acting as the caller on binds'],
  [7, 'setuid: the same'],
  [8, 'setpcap: mount(8) helpers that limit themselves'],
  [9, 'linux_immutable: chattr'],
  [10, 'net_bind_service: mount(8) helpers, NFS'],
  [
    18,
    'sys_chroot: a mount namespace for a moment, to clone a source without what is mounted below (mounts/kinds/own-mounts.ts)',
  ],
  [21, 'sys_admin: mount(2), passthrough, trusted.* attributes'],
  [24, 'sys_resource: descriptors'],
  [27, 'mknod: device nodes'],
  [31, 'setfcap: security.capability'],
  [33, 'mac_admin: security labels of layers that are copied up'],
]);

interface Launch {
  readonly program: string;
  readonly args: readonly string[];
}

export function limitedLaunch(program: string, args: readonly string[]): Launch {
  const dropped = droppedCapabilities();
  if (dropped === undefined) return { program, args };
  const set = dropped.map((number) => `-cap_${number}`).join(',');
  return { program: SETPRIV, args: [`--bounding-set=${set}`, '--no-new-privs', '--', program, ...args] };
}

/** Undefined: they cannot be dropped, or not by this setpriv (busybox has one that takes no sets). */
export function droppedCapabilities(): number[] | undefined {
  if (process.geteuid?.() !== 0) return undefined;
  try {
    if (!realpathSync(SETPRIV).endsWith('/setpriv')) return undefined;
    const status = readFileSync('/proc/self/status', 'latin1');
    if (!hasBit(capabilitiesOf(status, 'CapEff'), CAP_SETPCAP)) return undefined;
    const last = Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'latin1'));
    return Array.from({ length: last + 1 }, (_, number) => number).filter(
      (number) => !KEPT_CAPABILITIES.has(number),
    );
  } catch (error) {
    if (codeOf(error) !== undefined) return undefined;
    throw error;
  }
}

export function capabilitiesOf(status: string, set: string): bigint {
  return BigInt(`0x${new RegExp(`^${set}:\\s*(\\w+)$`, 'm').exec(status)?.[1] ?? '0'}`);
}

export function hasBit(set: bigint, capability: number): boolean {
  return ((set >> BigInt(capability)) & 1n) === 1n;
}
