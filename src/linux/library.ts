/**
 * The C library that this process runs on, and typed bindings into it through koffi.
 *
 * Calls that glibc 2.31 and musl 1.2.3 wrap are bound by name; the others go through syscall(2) with the numbers below. Variadic
 * functions (openat, fcntl, ioctl, syscall) are bound with fixed signatures: the Linux ABIs of x86-64 and arm64 pass
 * integers to both kinds in the same registers. Module state is per thread, and so is errno.
 * INVARIANT: nothing runs between a foreign call and `settle()` of its result, or errno may be another's.
 */

import koffi from 'koffi';

const libc = koffi.load(null);

/** The C types that the bindings use; a `void *` takes a Uint8Array (from its own start) and never null. */
export type CType = 'int' | 'uint' | 'long' | 'ulong' | 'int64' | 'void *';

/** Loads a shared library by its path, so that those loaded after it find its name taken. @throws Error */
export function preload(path: string): void {
  koffi.load(path);
}

/** Binds one symbol of the C library; the caller states the type of the function. */
export function bind<F extends (...args: never[]) => number>(
  symbol: string,
  result: CType,
  args: readonly CType[],
): F {
  // koffi tells nothing of the function that it makes.
  return libc.func(symbol, result, [...args]) as unknown as F;
}

/** The result of a call as this folder hands it on: unchanged, or the negated errno of a call that gave -1. */
export function settle(result: number): number {
  return result < 0 ? -koffi.errno() : result;
}

/** Address of the memory behind a view; valid while the view is referenced, since V8 does not move it. */
export function addressOf(view: Uint8Array): bigint {
  return koffi.address(view);
}

interface SyscallNumbers {
  readonly mknodat: number;
  readonly renameat2: number;
  readonly preadv2: number;
  readonly pwritev2: number;
  readonly statx: number;
  readonly setgroups: number;
  readonly setresuid: number;
  readonly setresgid: number;
}

/** Numbers below 424 differ by architecture (arch/x86/entry/syscalls/syscall_64.tbl, asm-generic/unistd.h). */
const numbersByArch: Readonly<Record<string, SyscallNumbers>> = {
  x64: {
    mknodat: 259,
    renameat2: 316,
    preadv2: 327,
    pwritev2: 328,
    statx: 332,
    setgroups: 116,
    setresuid: 117,
    setresgid: 119,
  },
  arm64: {
    mknodat: 33,
    renameat2: 276,
    preadv2: 286,
    pwritev2: 287,
    statx: 291,
    setgroups: 159,
    setresuid: 147,
    setresgid: 149,
  },
};

function numbersHere(): SyscallNumbers {
  const numbers = numbersByArch[process.arch];
  if (numbers === undefined) {
    throw new Error(
      `cannot load the syscall table for '${process.arch}': plyfs knows x64 and arm64 only; use such a machine`,
    );
  }
  return numbers;
}

/** glibc exports mknodat only since 2.33; before, it was an inline function. */
export const SYS_mknodat = numbersHere().mknodat;
/** musl has no renameat2 up to 1.2.5, and the others since then. */
export const SYS_renameat2 = numbersHere().renameat2;
export const SYS_preadv2 = numbersHere().preadv2;
export const SYS_pwritev2 = numbersHere().pwritev2;
export const SYS_statx = numbersHere().statx;
/** Those of glibc change all threads: it interrupts each of them, and waits for it. */
export const SYS_setgroups = numbersHere().setgroups;
export const SYS_setresuid = numbersHere().setresuid;
export const SYS_setresgid = numbersHere().setresgid;

// One number on all architectures from 424 on.
export const SYS_open_tree = 428;
export const SYS_move_mount = 429;
export const SYS_fsopen = 430;
export const SYS_fsconfig = 431;
export const SYS_fsmount = 432;
export const SYS_pidfd_open = 434;
export const SYS_openat2 = 437;
export const SYS_pidfd_getfd = 438;
export const SYS_mount_setattr = 442;
export const SYS_fchmodat2 = 452;
export const SYS_setxattrat = 463;
export const SYS_getxattrat = 464;
export const SYS_listxattrat = 465;
export const SYS_removexattrat = 466;
export const SYS_file_getattr = 468;
