/**
 * What root in a container may do: Docker's default set, less CAP_MKNOD, since there is no device cgroup here that
 * would keep it from the host's disks; and what `--cap-add` and `--cap-drop` say.
 */

import { dropFromBoundingSet } from '../../linux/process/namespace.js';
import { CAPABILITY_NAMES } from './capability-names.js';

const DEFAULT = [
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'SETGID',
  'SETUID',
  'SETPCAP',
  'NET_BIND_SERVICE',
  'NET_RAW',
  'SYS_CHROOT',
  'AUDIT_WRITE',
  'SETFCAP',
];

interface CapabilityChanges {
  readonly capAdd?: readonly string[];
  readonly capDrop?: readonly string[];
}

/** Docker's rules: `ALL` first, then the single ones; what is dropped by name wins over what is added. */
export function keptCapabilities({ capAdd = [], capDrop = [] }: CapabilityChanges): readonly string[] {
  const start = capAdd.includes('ALL') ? CAPABILITY_NAMES : capDrop.includes('ALL') ? [] : DEFAULT;
  return [...new Set([...start, ...capAdd])].filter((name) => name !== 'ALL' && !capDrop.includes(name));
}

/** The same by number (CAP_*). */
export function keptNumbers(changes: CapabilityChanges): ReadonlySet<number> {
  return new Set(keptCapabilities(changes).map((name) => CAPABILITY_NAMES.indexOf(name)));
}

/** Takes effect at execve(2): until then this thread keeps what it has. */
export function dropCapabilities(last: number, changes: CapabilityChanges): void {
  const kept = keptCapabilities(changes);
  for (let capability = 0; capability <= last; capability++) {
    if (!kept.includes(CAPABILITY_NAMES[capability] ?? '')) dropFromBoundingSet(capability);
  }
}
