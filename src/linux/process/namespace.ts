/**
 * What a process does to itself before it becomes a container's: namespaces, root directory, terminal, capabilities,
 * and execve(2) at the end.
 *
 * Meant for a Node process of one purpose, on its main thread: setns and the bounding set belong to the calling
 * thread, and execve keeps that one alone.
 */

import type { Name } from '../../vfs/name.js';
import { addressOf, bind, settle } from '../library.js';
import { cString, firstName, putBoth, putFirst, secondName } from '../scratch.js';
import { type NumberedLimit, setEachLimit } from './resource-limit.js';

const sysExecve = bind<(path: Buffer, args: Uint8Array, env: Uint8Array) => number>('execve', 'int', [
  'void *',
  'void *',
  'void *',
]);
const sysSetns = bind<(fd: number, type: number) => number>('setns', 'int', ['int', 'int']);
const sysPivotRoot = bind<(nr: number, newRoot: Buffer, putOld: Buffer) => number>('syscall', 'long', [
  'long',
  'void *',
  'void *',
]);
const sysFchdir = bind<(fd: number) => number>('fchdir', 'int', ['int']);
const sysChroot = bind<(path: Buffer) => number>('chroot', 'int', ['void *']);
const sysSetsid = bind<() => number>('setsid', 'int', []);
const sysSethostname = bind<(name: Buffer, length: number) => number>('sethostname', 'int', [
  'void *',
  'ulong',
]);
const sysSetdomainname = bind<(name: Buffer, length: number) => number>('setdomainname', 'int', [
  'void *',
  'ulong',
]);
const sysPrctl = bind<(option: number, value: number, c: number, d: number, e: number) => number>(
  'prctl',
  'int',
  ['int', 'ulong', 'ulong', 'ulong', 'ulong'],
);
const sysSeccomp = bind<(option: number, mode: number, program: Uint8Array, d: number, e: number) => number>(
  'prctl',
  'int',
  ['int', 'ulong', 'void *', 'ulong', 'ulong'],
);
const sysKeyctl = bind<(nr: number, operation: number, name: number) => number>('syscall', 'long', [
  'long',
  'long',
  'long',
]);
const sysSignal = bind<(signal: number, handler: number) => number>('signal', 'long', ['int', 'long']);
const sysFcntl = bind<(fd: number, command: number, value: number) => number>('fcntl', 'int', [
  'int',
  'int',
  'long',
]);

const SYS_KEYCTL = process.arch === 'arm64' ? 219 : 250;
const KEYCTL_JOIN_SESSION_KEYRING = 1;
const PR_SET_SECCOMP = 22;
const SECCOMP_MODE_FILTER = 2;
const SYS_PIVOT_ROOT = process.arch === 'arm64' ? 41 : 155;
const PR_CAPBSET_DROP = 24;
const PR_SET_NO_NEW_PRIVS = 38;
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_CLEAR_ALL = 4;
const SIG_DFL = 0;
const F_SETFD = 2;
const FD_CLOEXEC = 1;
/** V8 may move the content of smaller typed arrays. */
const STABLE_BYTES = 128;

/**
 * execve(2): comes back with a negated errno only when it fails. Each text is latin1, one char a byte.
 * @param limits are set right before it, when nothing is left to be done that they could make fail.
 * PRECONDITION: what must not be inherited is close-on-exec.
 */
export function execve(
  path: Name,
  args: readonly Name[],
  env: readonly Name[],
  limits: readonly NumberedLimit[] = [],
): number {
  const problem = putFirst(path);
  if (problem < 0) return problem;
  const argv = stringVector(args);
  const envp = stringVector(env);
  const refused = setEachLimit(limits);
  if (refused < 0) return refused;
  const result = settle(sysExecve(firstName, argv.vector, envp.vector));
  // They must live until here.
  argv.strings.length = 0;
  envp.strings.length = 0;
  return result;
}

/** A vector of C strings, NULL-terminated; a text with a NUL ends there. The strings must outlive its use. */
export function stringVector(texts: readonly Name[]): { vector: Buffer; strings: Buffer[] } {
  const strings = texts.map((text) => {
    const bytes = Buffer.from(text, 'latin1');
    const copy = Buffer.alloc(Math.max(bytes.length + 1, STABLE_BYTES));
    bytes.copy(copy);
    return copy;
  });
  const vector = Buffer.alloc(Math.max((strings.length + 1) * 8, STABLE_BYTES));
  for (const [index, string] of strings.entries()) vector.writeBigUInt64LE(addressOf(string), index * 8);
  return { vector, strings };
}

/** Enters the namespace of a /proc/PID/ns descriptor; of mounts only after `unshareFs()` (-EINVAL). */
export function setns(fd: number): number {
  return settle(sysSetns(fd, 0));
}

/** pivot_root(2); with '.' for both, the old root is left mounted over the new one. */
export function pivotRoot(newRoot: Name, putOld: Name): number {
  const problem = putBoth(newRoot, putOld);
  if (problem < 0) return problem;
  return settle(sysPivotRoot(SYS_PIVOT_ROOT, firstName, secondName));
}

/** The working directory of this thread, or of the process while the threads share it. */
export function fchdir(fd: number): number {
  return settle(sysFchdir(fd));
}

/** chroot(2), of this thread as fchdir(). */
export function chroot(path: Name): number {
  const problem = putFirst(path);
  return problem < 0 ? problem : settle(sysChroot(firstName));
}

/** A session of its own, without a terminal; -EPERM for the leader of a process group. */
export function setsid(): number {
  return settle(sysSetsid());
}

export function sethostname(name: Name): number {
  const text = cString(name);
  return text === undefined ? -22 : settle(sysSethostname(text, text.length - 1));
}

/** The NIS domain name of this UTS namespace. */
export function setdomainname(name: Name): number {
  const text = cString(name);
  return text === undefined ? -22 : settle(sysSetdomainname(text, text.length - 1));
}

/** Takes a capability from the bounding set, so that no later execve gives it. -EINVAL: the kernel has none such. */
export function dropFromBoundingSet(capability: number): number {
  return settle(sysPrctl(PR_CAPBSET_DROP, capability, 0, 0, 0));
}

/**
 * Has the kernel run a program of classic BPF before each system call of this thread, and of what it becomes. Needs
 * CAP_SYS_ADMIN in the user namespace, or no_new_privs (-EACCES).
 * @param program struct sock_filter[]; copied by the kernel.
 */
export function setSeccompFilter(program: Uint8Array): number {
  const stable = Buffer.alloc(Math.max(program.length, STABLE_BYTES));
  stable.set(program);
  // struct sock_fprog: u16 instructions, pointer.
  const header = Buffer.alloc(STABLE_BYTES);
  header.writeUInt16LE(program.length / 8, 0);
  header.writeBigUInt64LE(addressOf(stable), 8);
  const result = settle(sysSeccomp(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header, 0, 0));
  // It must live until here.
  stable.fill(0);
  return result;
}

/** A new, empty session keyring (session-keyring(7)); -ENOSYS where the kernel has none. */
export function joinSessionKeyring(): number {
  return settle(sysKeyctl(SYS_KEYCTL, KEYCTL_JOIN_SESSION_KEYRING, 0));
}

/** From here on no execve gives more than this process has. */
export function setNoNewPrivileges(): number {
  return settle(sysPrctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

/** No capability of this process goes to what it becomes, unless that runs as root or has file capabilities. */
export function dropAmbientCapabilities(): number {
  return settle(sysPrctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
}

/** glibc keeps these two for itself; setuid(2) of a process with several threads needs one. */
const OF_GLIBC = [32, 33];
const LAST_SIGNAL = 64;

/**
 * The default action for every signal: what is ignored, by Node or by who started plyfs (nohup), stays ignored over
 * execve, and what Node handles is lost on the first process of a pid namespace.
 */
export function resetSignals(): void {
  for (let signal = 1; signal <= LAST_SIGNAL; signal++) {
    // SIGKILL and SIGSTOP refuse (-EINVAL), and need none.
    if (!OF_GLIBC.includes(signal)) sysSignal(signal, SIG_DFL);
  }
}

export function closeOnExec(fd: number): number {
  return settle(sysFcntl(fd, F_SETFD, FD_CLOEXEC));
}
