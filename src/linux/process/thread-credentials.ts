/**
 * User, groups and effective capabilities of the calling thread alone.
 *
 * The C library's setgroups(3) and setuid(3) change all threads of a process; the system calls, as capset(2), only the one that
 * calls. Linux: kernel/groups.c, kernel/sys.c, kernel/capability.c v6.18.
 */

import { bind, SYS_setgroups, SYS_setresgid, SYS_setresuid, settle } from '../library.js';

const LINUX_CAPABILITY_VERSION_3 = 0x20080522;
/** NGROUPS_MAX. */
const MOST_GROUPS = 65_536;

const sysSetgroups = bind<(nr: number, count: number, groups: Uint8Array) => number>('syscall', 'long', [
  'long',
  'ulong',
  'void *',
]);
const sysSetIds = bind<(nr: number, real: number, effective: number, saved: number) => number>(
  'syscall',
  'long',
  ['long', 'ulong', 'ulong', 'ulong'],
);
const sysCapget = bind<(header: Uint8Array, data: Uint8Array) => number>('capget', 'int', [
  'void *',
  'void *',
]);
const sysCapset = bind<(header: Uint8Array, data: Uint8Array) => number>('capset', 'int', [
  'void *',
  'void *',
]);

/** struct __user_cap_header_struct: u32 version, int pid (0: this thread). */
const header = new Uint8Array(8);
new Uint32Array(header.buffer)[0] = LINUX_CAPABILITY_VERSION_3;
/** struct __user_cap_data_struct[2]: u32 effective, permitted, inheritable each. */
const data = new Uint8Array(24);
const words = new Uint32Array(data.buffer);
let groupWords = new Uint32Array(32);

/** Sets the supplementary groups of this thread. @returns 0, -EPERM without CAP_SETGID, -EINVAL for too many. */
export function setThreadGroups(groups: readonly number[]): number {
  if (groups.length > groupWords.length && groups.length <= MOST_GROUPS)
    groupWords = new Uint32Array(groups.length);
  groups.forEach((gid, index) => {
    groupWords[index] = gid;
  });
  return settle(sysSetgroups(SYS_setgroups, groups.length, new Uint8Array(groupWords.buffer)));
}

/**
 * Makes user and group of this thread these, for good where the user is not 0. After execve(2) they are those of the process.
 * @returns 0, -EPERM without CAP_SETGID and CAP_SETUID.
 */
export function setThreadUser(uid: number, gid: number): number {
  const result = settle(sysSetIds(SYS_setresgid, gid, gid, gid));
  return result < 0 ? result : settle(sysSetIds(SYS_setresuid, uid, uid, uid));
}

/**
 * Makes the effective set all that is permitted but for `without`, a bit for each capability (CAP_*); permitted and
 * inheritable stay, so that a later call can give back what this one took. @returns 0 or a negated errno.
 */
export function limitCapabilities(without: bigint): number {
  const result = settle(sysCapget(header, data));
  if (result < 0) return result;
  words[0] = words[1]! & ~Number(without & 0xffff_ffffn);
  words[3] = words[4]! & ~Number(without >> 32n);
  return settle(sysCapset(header, data));
}
