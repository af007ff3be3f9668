/**
 * posix_spawn(3) and waitpid(2), for a process that has to reap what is not its own child too: Node's child_process
 * waits for its children alone, and cannot give them a process group.
 */

import type { Name } from '../../vfs/name.js';
import { bind, settle } from '../library.js';
import { firstName, putFirst } from '../scratch.js';
import { stringVector } from './namespace.js';
import { type NumberedLimit, setEachLimit } from './resource-limit.js';

const sysSpawn = bind<
  (
    pid: Uint8Array,
    path: Uint8Array,
    actions: null,
    attr: Uint8Array,
    argv: Uint8Array,
    envp: Uint8Array,
  ) => number
>('posix_spawn', 'int', ['void *', 'void *', 'void *', 'void *', 'void *', 'void *']);
const sysAttrInit = bind<(attr: Uint8Array) => number>('posix_spawnattr_init', 'int', ['void *']);
const sysAttrFlags = bind<(attr: Uint8Array, flags: number) => number>('posix_spawnattr_setflags', 'int', [
  'void *',
  'int',
]);
const sysAttrGroup = bind<(attr: Uint8Array, group: number) => number>('posix_spawnattr_setpgroup', 'int', [
  'void *',
  'int',
]);
const sysAttrDefaults = bind<(attr: Uint8Array, set: Uint8Array) => number>(
  'posix_spawnattr_setsigdefault',
  'int',
  ['void *', 'void *'],
);
const sysAttrMask = bind<(attr: Uint8Array, set: Uint8Array) => number>('posix_spawnattr_setsigmask', 'int', [
  'void *',
  'void *',
]);
const sysWaitpid = bind<(pid: number, status: Uint8Array, options: number) => number>('waitpid', 'int', [
  'int',
  'void *',
  'int',
]);
const sysSigfillset = bind<(set: Uint8Array) => number>('sigfillset', 'int', ['void *']);

const POSIX_SPAWN_SETPGROUP = 0x02;
const POSIX_SPAWN_SETSIGDEF = 0x04;
const POSIX_SPAWN_SETSIGMASK = 0x08;
const WNOHANG = 1;
/** posix_spawnattr_t has 336 bytes in glibc, sigset_t 128. */
const ATTR_BYTES = 512;
const SIGSET_BYTES = 128;

interface SpawnOptions {
  /** The process group: one of its own, or that of this process. */
  readonly group: 'own' | 'same';
  /** Set right before it, and this process's from then on. */
  readonly limits?: readonly NumberedLimit[];
}

/**
 * Starts a program, with all signals as a new process has them.
 * @returns its pid, or a negated errno. PRECONDITION: what it must not inherit is close-on-exec.
 */
export function spawnProcess(
  path: Name,
  args: readonly Name[],
  env: readonly Name[],
  { group, limits = [] }: SpawnOptions,
): number {
  const problem = putFirst(path);
  if (problem < 0) return problem;
  const attr = Buffer.alloc(ATTR_BYTES);
  const all = Buffer.alloc(SIGSET_BYTES);
  const none = Buffer.alloc(SIGSET_BYTES);
  sysSigfillset(all);
  sysAttrInit(attr);
  const ownGroup = group === 'own' ? POSIX_SPAWN_SETPGROUP : 0;
  sysAttrFlags(attr, ownGroup | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  sysAttrGroup(attr, 0);
  sysAttrDefaults(attr, all);
  sysAttrMask(attr, none);
  const pid = Buffer.alloc(SIGSET_BYTES);
  const argv = stringVector(args);
  const envp = stringVector(env);
  const refused = setEachLimit(limits);
  if (refused < 0) return refused;
  // It gives the errno itself.
  const errno = sysSpawn(pid, firstName, null, attr, argv.vector, envp.vector);
  argv.strings.length = 0;
  envp.strings.length = 0;
  return errno === 0 ? pid.readInt32LE(0) : -errno;
}

interface Ended {
  readonly pid: number;
  /** As a shell gives it: 128 + N for signal N. */
  readonly status: number;
}

/** A child, of whoever it was, that has ended; undefined when none has. */
export function reapAny(): Ended | undefined {
  return reap(-1, WNOHANG);
}

/** The status of a child of ours that has ended; undefined while it runs, or where it is nobody's to wait for. */
export function reapChild(pid: number): number | undefined {
  return reap(pid, WNOHANG)?.status;
}

/** Blocks until the child has ended. @returns its status; undefined where it is no child of ours. */
export function waitForChild(pid: number): number | undefined {
  return reap(pid, 0)?.status;
}

function reap(which: number, options: number): Ended | undefined {
  const status = Buffer.alloc(SIGSET_BYTES);
  const pid = settle(sysWaitpid(which, status, options));
  if (pid <= 0) return undefined;
  const word = status.readInt32LE(0);
  const signal = word & 0x7f;
  return { pid, status: signal === 0 ? (word >> 8) & 0xff : 128 + signal };
}
