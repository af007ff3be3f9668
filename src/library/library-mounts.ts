/** Mounts for programs: the same that `plyfs mount` makes, served by the same daemon. */

import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { explainPath } from '../daemon/client/explain-path.js';
import { launchDaemon } from '../daemon/client/launch.js';
import { unmountPath } from '../daemon/client/unmount.js';
import { buildConfig, type MountOptions } from '../daemon/config/build-config.js';
import { withUpperLayers } from '../daemon/config/upper-layers.js';
import type { WhyReply } from '../daemon/messages/why-reply.js';
import { findMount } from '../daemon/run-directory/find-mount.js';
import { type ListedMount, listMounts } from '../daemon/run-directory/list-mounts.js';
import type { RunState } from '../daemon/run-directory/run-state.js';
import { resolveLayers } from '../image/add/layer-sources.js';
import { Store } from '../store/store.js';
import { displayName, nameFromText } from '../vfs/name.js';
import { checkedOptions, checkedText } from './checked-options.js';

/** How a mount is taken away. */
export interface UnmountOptions {
  /** Take the name away though it is in use; it is served until its last user is gone. */
  readonly lazy?: boolean | undefined;
}

/** A mount that a daemon serves. */
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
 * Mounts, and resolves when the mount answers. A layer is a directory, a layer tar or an image of the store, as for `-l`.
 * @throws UserError with a message of one line, and often a `hint`; nothing is left mounted.
 */
export async function mount(options: MountOptions): Promise<Mount> {
  const { layers, root } = checkedOptions('mount()', options, MOUNT_OPTIONS);
  checkedText('mount()', 'mount point', options.mountpoint);
  const isDirectories = layers?.every((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory());
  if (layers === undefined || isDirectories) return mountOf(await mountNow(options));
  const store = new Store(root === undefined ? undefined : resolve(root));
  const resolved = await resolveLayers(store, layers, process.cwd());
  return mountOf(await mountNow({ ...options, layers: resolved }));
}

async function mountNow(options: MountOptions): Promise<RunState> {
  return launchDaemon(await withUpperLayers(buildConfig(options)));
}

/** The mount that a path lies in, whoever of this user made it. @throws UserError when no daemon of this user serves it. */
export function openMount(path: string): Mount {
  checkedText('openMount()', 'path', path);
  return mountOf(findMount(nameFromText(resolve(path)), 'open').state);
}

/** All mounts of this user, oldest first; those without a daemon of his at the end. */
export function mounts(): ListedMount[] {
  return listMounts();
}

const MOUNT_OPTIONS = {
  mountpoint: 'string',
  layers: 'strings',
  upper: 'string',
  work: 'string',
  options: 'strings',
  onUnknownOption: 'function',
  volumes: 'strings',
  mounts: 'strings',
  tmpfs: 'strings',
  readOnly: 'boolean',
  engine: 'string',
  debug: 'boolean',
  root: 'string',
} as const;

function mountOf(state: RunState): Mount {
  let isUnmounted = false;
  const unmount = async (options: UnmountOptions = {}): Promise<void> => {
    const { lazy = false } = checkedOptions('unmount()', options, { lazy: 'boolean' });
    await unmountPath(state.mountpoint, { lazy });
    isUnmounted = true;
  };
  return {
    mountpoint: displayName(state.mountpoint),
    pid: state.pid,
    unmount,
    why: (path) => explainPath(`${state.mountpoint}/${nameFromText(checkedText('why()', 'path', path))}`),
    [Symbol.asyncDispose]: async () => {
      if (!isUnmounted) await unmount();
    },
  };
}
