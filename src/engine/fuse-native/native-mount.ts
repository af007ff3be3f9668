/**
 * One mount by the package: mounts, serves on the event loop of this process, and tells when the kernel has let go.
 *
 * The package says nothing of an unmount, so a duplicate of its /dev/fuse is polled for POLLERR. Its own unmount, a
 * shell command with the path in double quotes, is not used: see detach() of engine/kernel/attach-mount.ts.
 * INVARIANT: nothing is mounted when `start()` rejects.
 */

import { readdirSync, readlinkSync } from 'node:fs';
import { hasCode } from '../../errno/error-code.js';
import { check } from '../../errno/fs-error.js';
import { UserError } from '../../errno/user-error.js';
import { POLLERR, POLLHUP, POLLNVAL } from '../../linux/constants.js';
import { close, dup, keepOnExec } from '../../linux/files/open.js';
import { PollSet, poll } from '../../linux/io/poll.js';
import type { FileSystem } from '../../vfs/file-system.js';
import { displayName } from '../../vfs/name.js';
import { Answers, type AskedOperation } from './answers.js';
import { argumentOf, checkOptions, type NativeOptions } from './mount-options.js';
import { FileOperations } from './operations.js';
import { loadPackage, type PackageClass, type PackageMount, type Signal } from './package.js';
import { PathTree } from './path-tree.js';
import { OP_UTIMENS, withMtime } from './utimens-record.js';

const KEPT_NAMES = 50_000;
const END_POLL_MS = 50;
const STDERR_FD = 2;

interface NativeMountOptions extends NativeOptions {
  readonly fs: FileSystem;
  readonly log: (line: string) => void;
  /** One line for each request. */
  readonly debug: boolean;
  /** Told of each request that fails. @param errno positive. */
  readonly failed?: (errno: number, asked: AskedOperation) => void;
  /** The kernel has let go: the mount is gone. Called once. */
  readonly onEnd: () => void;
}

export class NativeMount {
  readonly #options: NativeMountOptions;
  readonly #package: PackageClass;
  readonly #answers: Answers;
  readonly #operations: FileOperations;
  #watch: NodeJS.Timeout | undefined;
  #isStopped = false;

  /** @throws UserError when the package is missing, or cannot do what the options ask for. */
  constructor(options: NativeMountOptions) {
    checkOptions(options);
    this.#options = options;
    this.#package = loadPackage();
    const { fs, log, debug, failed } = options;
    const tree = new PathTree(fs, KEPT_NAMES);
    this.#answers = new Answers({ fs, tree, log, debug, ...(failed && { failed }) });
    this.#operations = new FileOperations(fs, tree, this.#answers);
  }

  /** Resolves when the kernel's INIT came. @throws UserError */
  async start(): Promise<void> {
    const { fs, mountpoint } = this.#options;
    fs.attach(this.#answers);
    const before = new Set(fuseDescriptors());
    // Node marks its own close-on-exec, and fusermount, which libfuse starts, would complain to nobody.
    keepOnExec(STDERR_FD);
    const mount = openedBy(this.#package, this.#operations, {
      mountpoint: displayName(mountpoint),
      argument: argumentOf(this.#options),
    });
    await new Promise<void>((resolve, reject) => {
      mount.mount((error) => (error ? reject(this.#refusal(error)) : resolve()));
    });
    const fuseFd = fuseDescriptors().find((fd) => !before.has(fd));
    if (fuseFd === undefined) throw new Error('fuse-native has mounted without /dev/fuse');
    this.#awaitEnd(check(dup(fuseFd), 'dup', '/dev/fuse'));
  }

  /** Requests so far, by operation. */
  counts(): Record<string, number> {
    return this.#answers.counts();
  }

  /** May be called again. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    clearInterval(this.#watch);
    this.#answers.stop();
    this.#options.fs.detach();
  }

  #awaitEnd(fd: number): void {
    const set = new PollSet([fd]);
    this.#watch = setInterval(() => {
      poll(set, 0);
      if ((set.revents(0) & (POLLERR | POLLHUP | POLLNVAL)) === 0) return;
      clearInterval(this.#watch);
      close(fd);
      this.#options.onEnd();
    }, END_POLL_MS);
  }

  #refusal(error: Error): UserError {
    const shown = displayName(this.#options.mountpoint);
    if (error.message === 'Mountpoint in use') {
      return new UserError(
        `cannot mount on '${shown}': engine 'fuse-native' takes no mount point of another mount`,
        {
          hint: 'use a directory below it, or --engine kernel',
          cause: error,
        },
      );
    }
    return new UserError(`cannot mount on '${shown}': fuse-native: ${error.message}`, {
      hint: "'plyfs doctor' says what this host lacks",
      cause: error,
    });
  }
}

interface MountArguments {
  readonly mountpoint: string;
  readonly argument: string;
}

/** The package's class with what is wrong in it replaced. */
function openedBy(
  Package: PackageClass,
  operations: FileOperations,
  { mountpoint, argument }: MountArguments,
): PackageMount {
  class Mount extends Package {
    _fuseOptions(): string {
      return argument;
    }

    /** The package's own does not know how much the caller takes, and copies past the end. */
    _op_getxattr(signal: Signal, path: string, name: string, into: Buffer): void {
      operations.getxattrInto(path, name, into, (status) => signal(status, into.buffer));
    }

    /** The package's own takes names as text, and asks for 128 bytes more than there are. */
    _op_listxattr(signal: Signal, path: string, into: Buffer): void {
      operations.listxattrInto(path, into, (status) => signal(status, into.buffer));
    }
  }
  const mount = new Mount(mountpoint, operations, { timeout: false });
  mount._handlers[OP_UTIMENS] = withMtime(mount._handlers[OP_UTIMENS]!);
  return mount;
}

/** Descriptors of this process on /dev/fuse. */
function fuseDescriptors(): number[] {
  return readdirSync('/proc/self/fd')
    .filter((fd) => targetOf(fd) === '/dev/fuse')
    .map(Number);
}

/** Undefined for the descriptor that the listing itself was read through. */
function targetOf(fd: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
