/** Root of the host, told from a user whom a user namespace makes root (`unshare -Ur`, `buildah unshare`). See user_namespaces(7). */

import { readlinkSync, statSync } from 'node:fs';
import { codeOf } from '../../errno/error-code.js';

/** Linux: include/linux/proc_ns.h:PROC_USER_INIT_INO. */
const INITIAL = 'user:[4026531837]';

/** Whether capabilities count for the whole host: `trusted.*` attributes and passthrough want them so. */
export function isInitialUserNamespace(): boolean {
  try {
    return readlinkSync('/proc/self/ns/user') === INITIAL;
  } catch (error) {
    // A kernel without user namespaces.
    if (codeOf(error) !== undefined) return true;
    throw error;
  }
}

/** Whether a directory of the system belongs to root here: in a namespace of a user's own it is nobody's. */
export function isRootsOwn(directory: string): boolean {
  const stat = statSync(directory, { throwIfNoEntry: false });
  return stat === undefined || stat.uid === 0;
}

/** The user's id in the namespace around this one; his own where there is none. */
export function outerUid(uidMap: string, uid: number): number {
  for (const line of uidMap.trimEnd().split('\n')) {
    const [inside = 0, outside = 0, length = 0] = line.trim().split(/\s+/).map(Number);
    if (uid >= inside && uid < inside + length) return outside + (uid - inside);
  }
  return uid;
}
