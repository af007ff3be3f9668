/**
 * plyfs as a library: the same mounts that the `plyfs` command makes, served by the same daemon.
 *
 * Strings are text, paths may be relative to the working directory. A mount outlives the program that made it, unless
 * it is unmounted: use `await using`.
 *
 * ```ts
 * await using tree = await mount({ mountpoint: '/mnt', layers: ['base', 'app'], upper: 'changes' });
 * ```
 */

import { buildConfig, type MountWish } from './daemon/build-config.js';
import { explainPath } from './daemon/explain.js';
import { launchDaemon } from './daemon/launch.js';
import { unmountPath } from './daemon/unmount.js';
import type { WhyReply } from './daemon/why-reply.js';
import { displayName, nameFromText } from './vfs/name.js';

export type { WhyReply, WhyStep } from './daemon/why-reply.js';
export { UserError } from './errno/user-error.js';

/** What to mount; the fields are the options of `plyfs mount`. */
export type MountOptions = MountWish;

export interface UnmountOptions {
  /** Take the name away though it is in use; it is served until its last user is gone. */
  readonly lazy?: boolean;
}

export interface Mount extends AsyncDisposable {
  /** Absolute, free of symlinks. */
  readonly mountpoint: string;
  /** The process that serves the mount. */
  readonly pid: number;
  /**
   * Unmounts, and waits for the daemon's clean-up.
   * @throws UserError when it is in use, or not mounted any more.
   */
  unmount(options?: UnmountOptions): Promise<void>;
  /** Which layer shows `path` (taken from the root of the mount), and what hides it in the others. */
  why(path: string): Promise<WhyReply>;
}

/**
 * Mounts, and resolves when the mount answers.
 * @throws UserError with a message of one line, and often a `hint`; nothing is left mounted.
 */
export async function mount(options: MountOptions): Promise<Mount> {
  const state = await launchDaemon(buildConfig(options));
  let isUnmounted = false;
  const unmount = async ({ lazy = false }: UnmountOptions = {}): Promise<void> => {
    await unmountPath(state.mountpoint, { lazy });
    isUnmounted = true;
  };
  return {
    mountpoint: displayName(state.mountpoint),
    pid: state.pid,
    unmount,
    why: (path) => explainPath(`${state.mountpoint}/${nameFromText(path)}`),
    [Symbol.asyncDispose]: async () => {
      if (!isUnmounted) await unmount();
    },
  };
}
