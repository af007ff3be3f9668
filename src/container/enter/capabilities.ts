/**
 * What root in a container may do: Docker's default set, less CAP_MKNOD, since there is no device cgroup here that
 * would keep it from the host's disks.
 */

import { dropFromBoundingSet } from '../../linux/namespace.js';

/** include/uapi/linux/capability.h */
const KEPT: readonly number[] = [
  0, // CHOWN
  1, // DAC_OVERRIDE
  3, // FOWNER
  4, // FSETID
  5, // KILL
  6, // SETGID
  7, // SETUID
  8, // SETPCAP
  10, // NET_BIND_SERVICE
  13, // NET_RAW
  18, // SYS_CHROOT
  29, // AUDIT_WRITE
  31, // SETFCAP
];

/** Numbers (CAP_*) that the command may have. */
export const KEPT_CAPABILITIES: ReadonlySet<number> = new Set(KEPT);

/** Takes effect at execve(2): until then this thread keeps what it has. */
export function dropCapabilities(last: number): void {
  for (let capability = 0; capability <= last; capability++) {
    if (!KEPT.includes(capability)) dropFromBoundingSet(capability);
  }
}
