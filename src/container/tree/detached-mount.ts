/**
 * A mount that nobody sees: made, opened, and detached at once, so that it lives as long as this process holds it.
 * A command that is killed in between leaves nothing mounted.
 */

import { closeSync, constants, openSync } from 'node:fs';
import { launchDaemon } from '../../daemon/client/launch.js';
import { unmountPath } from '../../daemon/client/unmount.js';
import type { MountConfig } from '../../daemon/config/mount-config.js';
import { hasLetGo, type RunState } from '../../daemon/run-directory/run-state.js';

const GONE_TIMEOUT_MS = 10_000;
const POLL_MS = 5;

interface DetachedMount extends AsyncDisposable {
  /** The path of its root, good for this process alone. */
  readonly path: string;
  readonly fd: number;
}

export async function mountDetached(config: MountConfig): Promise<DetachedMount> {
  const state = await launchDaemon(config);
  const fd = openSync(Buffer.from(config.mountpoint, 'latin1'), constants.O_RDONLY | constants.O_DIRECTORY);
  await unmountPath(config.mountpoint, { lazy: true, wait: false });
  return {
    fd,
    path: `/proc/self/fd/${fd}`,
    [Symbol.asyncDispose]: async () => {
      closeSync(fd);
      await untilGone(state);
    },
  };
}

/** The upper is free again when its daemon is gone. */
async function untilGone(state: RunState): Promise<void> {
  const deadline = Date.now() + GONE_TIMEOUT_MS;
  while (!hasLetGo(state) && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
