/**
 * The npm package fuse-native 2.2.6: loading it, and the part of its interface that plyfs uses, which has no types.
 *
 * Read in its index.js and fuse-native.c. It is an optional dependency, loaded only when this engine was chosen. Its
 * addon needs libfuse.so.2: that of the host, else the copy that lies beside the addon, loaded before it so that the
 * dynamic linker finds the name taken.
 * INVARIANT: only in the main thread of a process: the addon hands requests to uv_default_loop(), whatever thread
 * loaded it, and would enter the isolate of a worker from another thread.
 */

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { hasCode } from '../../errno/error-code.js';
import { UserError } from '../../errno/user-error.js';
import { preload } from '../../linux/library.js';
import type { PackageStat, PackageStatFs } from './package-records.js';

export type Done = (status: number) => void;
export type DoneWith<T> = (status: number, value?: T) => void;

/** The operations, in the package's names and arguments; one that is absent is answered ENOSYS by libfuse. */
export interface Operations {
  getattr(path: string, done: DoneWith<PackageStat>): void;
  readlink(path: string, done: DoneWith<string>): void;
  readdir(
    path: string,
    done: (status: number, names?: readonly string[], stats?: readonly PackageStat[]) => void,
  ): void;
  mknod(path: string, mode: number, device: number, done: Done): void;
  mkdir(path: string, mode: number, done: Done): void;
  symlink(content: string, path: string, done: Done): void;
  link(from: string, path: string, done: Done): void;
  unlink(path: string, done: Done): void;
  rmdir(path: string, done: Done): void;
  rename(from: string, to: string, done: Done): void;
  create(path: string, mode: number, done: DoneWith<number>): void;
  open(path: string, flags: number, done: DoneWith<number>): void;
  release(path: string, fd: number, done: Done): void;
  /** `done` gets the bytes read, or a negated errno. */
  read(path: string, fd: number, into: Buffer, length: number, offset: number, done: Done): void;
  /** `done` gets the bytes written, or a negated errno. */
  write(path: string, fd: number, from: Buffer, length: number, offset: number, done: Done): void;
  fsync(path: string, dataOnly: number, fd: number, done: Done): void;
  fsyncdir(path: string, dataOnly: number, fd: number, done: Done): void;
  truncate(path: string, sizeBytes: number, done: Done): void;
  ftruncate(path: string, fd: number, sizeBytes: number, done: Done): void;
  chmod(path: string, mode: number, done: Done): void;
  chown(path: string, uid: number, gid: number, done: Done): void;
  /** NaN: the mtime is not known (utimens-record.ts). */
  utimens(path: string, atimeMs: number, mtimeMs: number, done: Done): void;
  statfs(path: string, done: DoneWith<PackageStatFs>): void;
  /** Never called: `_op_getxattr` is replaced. Its presence enables the request, as that of the next does. */
  getxattr(): void;
  listxattr(): void;
  setxattr(path: string, name: string, value: Buffer, position: number, flags: number, done: Done): void;
  removexattr(path: string, name: string, done: Done): void;
}

/** Answers a request with a status and what the addon takes beside it: for xattrs, the ArrayBuffer to let go. */
export type Signal = (status: number, buffer: ArrayBufferLike) => void;

/** A request as the addon hands it over: its record in C, the number of the operation, the arguments. */
export type PackageHandler = (record: Buffer, operation: number, ...args: unknown[]) => void;

export interface PackageMount {
  /** By the number of the operation; handed to the addon by `mount`. */
  readonly _handlers: PackageHandler[];
  /** Calls back when the kernel's INIT came, or with an error when nothing was mounted. */
  mount(done: (error?: Error | null) => void): void;
}

export type PackageClass = new (
  mountpoint: string,
  operations: Operations,
  /** `false`: a request may take as long as it takes. */
  options: { readonly timeout: false },
) => PackageMount;

const require = createRequire(import.meta.url);
const NAME = 'fuse-native';
const KERNEL_HINT = 'use --engine kernel, the default, which needs no addon';

/** @throws UserError when it is not installed, or does not load on this host. */
export function loadPackage(): PackageClass {
  if (!isMainThread) throw new Error('fuse-native was loaded in a worker thread');
  try {
    return requirePackage();
  } catch (error) {
    if (!/libfuse\.so\.2/.test(messageOf(error))) throw refusal(error);
  }
  try {
    preload(bundledLibfuse());
    return requirePackage();
  } catch (error) {
    throw refusal(error);
  }
}

/** Not import(): a module that failed to load is tried again only by require(). */
function requirePackage(): PackageClass {
  return require(NAME) as PackageClass;
}

function bundledLibfuse(): string {
  const home = dirname(require.resolve(`${NAME}/package.json`));
  return join(home, 'prebuilds', `${process.platform}-${process.arch}`, 'libfuse.so');
}

function refusal(error: unknown): UserError {
  const message = messageOf(error);
  if (hasCode(error, 'ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND')) {
    const reason = `cannot use engine '${NAME}': the npm package '${NAME}' is not installed`;
    const hint = process.arch === 'x64' ? `npm install ${NAME}, or ${KERNEL_HINT}` : KERNEL_HINT;
    return new UserError(reason, { hint, cause: error });
  }
  if (/No native build was found/.test(message)) {
    const host = `${process.platform}-${process.arch}`;
    return new UserError(`cannot use engine '${NAME}': the package has no binary for ${host}`, {
      hint: KERNEL_HINT,
      cause: error,
    });
  }
  const first = message.split('\n')[0] ?? '';
  return new UserError(`cannot use engine '${NAME}': its addon does not load: ${first}`, {
    hint: KERNEL_HINT,
    cause: error,
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
