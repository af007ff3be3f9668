/**
 * The identity, capabilities and limits of the calling thread and process; pidfd.
 *
 * setfsuid, setfsgid, secure bits and capabilities belong to the thread that calls, not to the process: Node's other
 * threads keep theirs. The resource limit belongs to the process.
 */

import { CLONE_FS, CLONE_NEWNS } from '../constants.js';
import { bind, settle } from '../library.js';

export const CAP_CHOWN = 0;
export const CAP_DAC_OVERRIDE = 1;
export const CAP_DAC_READ_SEARCH = 2;
export const CAP_FOWNER = 3;
export const CAP_FSETID = 4;
export const CAP_KILL = 5;
export const CAP_SETGID = 6;
export const CAP_SETUID = 7;
export const CAP_SETPCAP = 8;
export const CAP_LINUX_IMMUTABLE = 9;
export const CAP_NET_ADMIN = 12;
export const CAP_IPC_LOCK = 14;
export const CAP_SYS_CHROOT = 18;
export const CAP_SYS_PTRACE = 19;
export const CAP_SYS_ADMIN = 21;
export const CAP_SYS_NICE = 23;
export const CAP_SYS_RESOURCE = 24;
export const CAP_MKNOD = 27;
export const CAP_SETFCAP = 31;

const PR_GET_SECUREBITS = 27;
const PR_SET_SECUREBITS = 28;
const SECBIT_NO_SETUID_FIXUP = 4;
const RLIMIT_NOFILE = 7;
const SIG_DFL = 0;
const LINUX_CAPABILITY_VERSION_3 = 0x20080522;

const sysSetfsuid = bind<(uid: number) => number>('setfsuid', 'uint', ['uint']);
const sysSetfsgid = bind<(gid: number) => number>('setfsgid', 'uint', ['uint']);
const sysSchedYield = bind<() => number>('sched_yield', 'int', []);
const sysSignal = bind<(signal: number, handler: number) => number>('signal', 'long', ['int', 'long']);
const sysUnshare = bind<(flags: number) => number>('unshare', 'int', ['int']);
const sysPrctl = bind<(option: number, value: number, c: number, d: number, e: number) => number>(
  'prctl',
  'int',
  ['int', 'ulong', 'ulong', 'ulong', 'ulong'],
);
const sysGetrlimit = bind<(resource: number, out: Uint8Array) => number>('getrlimit', 'int', [
  'int',
  'void *',
]);
const sysSetrlimit = bind<(resource: number, limit: Uint8Array) => number>('setrlimit', 'int', [
  'int',
  'void *',
]);
const sysCapget = bind<(header: Uint8Array, data: Uint8Array) => number>('capget', 'int', [
  'void *',
  'void *',
]);

/**
 * Sets the uid that this thread's file accesses count as, and gives the one before.
 *
 * The kernel reports no failure: call twice to learn whether it took effect. Leaving 0 drops the capabilities for
 * files (DAC_OVERRIDE, FOWNER, ...) unless `keepCapabilities()` came first; coming back to 0 regains them.
 */
export function setfsuid(uid: number): number {
  return sysSetfsuid(uid);
}

/** Sets the gid that this thread's file accesses count as, and gives the one before. */
export function setfsgid(gid: number): number {
  return sysSetfsgid(gid);
}

/** Lets other threads that are ready run on this core first. */
export function schedYield(): number {
  return settle(sysSchedYield());
}

/** Gives this thread a umask, working directory and root of its own. */
export function unshareFs(): number {
  return settle(sysUnshare(CLONE_FS));
}

/** Gives this thread a mount namespace of its own, a copy of what it had. */
export function unshareMounts(): number {
  return settle(sysUnshare(CLONE_NEWNS));
}

/** Lets this thread keep its capabilities when its fsuid leaves 0. Needs CAP_SETPCAP (-EPERM). */
export function keepCapabilities(): number {
  const current = settle(sysPrctl(PR_GET_SECUREBITS, 0, 0, 0, 0));
  if (current < 0) return current;
  return settle(sysPrctl(PR_SET_SECUREBITS, current | SECBIT_NO_SETUID_FIXUP, 0, 0, 0));
}

/**
 * Lets the kernel end this process at a signal, as before anybody caught it.
 *
 * Node catches SIGINT and SIGTERM to put the terminal back. A caught signal does not end a call that waits for storage
 * that hangs (a FUSE request that is sent waits in TASK_KILLABLE, as NFS does); a fatal one does.
 */
export function endAtSignal(signal: number): number {
  // The result is the address of the handler before.
  return Math.min(0, settle(sysSignal(signal, SIG_DFL)));
}

/** struct rlimit: u64 soft, u64 hard. */
const limit = new Uint8Array(16);
const limitWords = new Uint32Array(limit.buffer);

/**
 * Raises the process's limit of open descriptors, and gives it: to `wanted` where the hard limit may be raised
 * (CAP_SYS_RESOURCE), else to the hard limit.
 */
export function raiseFileLimit(wanted: number): number {
  const result = settle(sysGetrlimit(RLIMIT_NOFILE, limit));
  if (result < 0) return result;
  const hard = limitWords[3]! * 2 ** 32 + limitWords[2]!;
  if (hard < wanted && setFileLimit(wanted) === 0) return wanted;
  const raised = setFileLimit(hard);
  return raised < 0 ? raised : hard;
}

function setFileLimit(count: number): number {
  limitWords[0] = count >>> 0;
  limitWords[1] = Math.floor(count / 2 ** 32);
  limitWords[2] = limitWords[0];
  limitWords[3] = limitWords[1];
  return settle(sysSetrlimit(RLIMIT_NOFILE, limit));
}

/** struct __user_cap_header_struct: u32 version, int pid (0: this thread). */
const capHeader = new Uint8Array(8);
new Uint32Array(capHeader.buffer)[0] = LINUX_CAPABILITY_VERSION_3;
/** struct __user_cap_data_struct[2]: u32 effective, permitted, inheritable each. */
const capData = new Uint8Array(24);
const capWords = new Uint32Array(capData.buffer);

/** Whether a capability (CAP_*) is in this thread's effective set. */
export function hasCapability(cap: number): boolean {
  if (sysCapget(capHeader, capData) < 0) return false;
  return ((capWords[cap < 32 ? 0 : 3]! >>> (cap & 31)) & 1) === 1;
}
