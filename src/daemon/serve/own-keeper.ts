/**
 * The keeper of a mount that has a process of its own, be it a daemon or a command in the foreground. The process that takes over is a
 * daemon as those that serve many mounts, in a directory of its own, and ends with the mount.
 */

import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { isSystemError } from '../../errno/error-code.js';
import { FsError } from '../../errno/fs-error.js';
import { messageOf } from '../../errno/reason.js';
import { makeDirectories } from '../../linux/files/make-directories.js';
import { DescriptorStore } from '../../linux/io/descriptor-store.js';
import type { ServeRequest } from '../config/mount-config.js';
import { daemonOfMount } from '../run-directory/run-state.js';
import { isKeeperWanted, Keeper } from './keeper.js';
import { lockDirectory, removeDirectory } from './shared-lock.js';

interface OwnKeeper extends Disposable {
  readonly keeper: Keeper;
}

/** @returns undefined where there is none to be, or none can be: the log says why. */
export function ownKeeper(
  { runRoot, id, config }: ServeRequest,
  log: (line: string) => void,
): OwnKeeper | undefined {
  if (!isKeeperWanted() || config.engine !== 'kernel') return undefined;
  const directory = daemonOfMount(runRoot, id);
  try {
    makeDirectories(directory, 0o700);
    const lockFd = lockDirectory(directory);
    if (lockFd === undefined) return undefined;
    const logFd = openSync(join(directory, 'log'), 'a', 0o600);
    const store = DescriptorStore.create();
    return {
      keeper: new Keeper({ directory, restMs: 0, log, store, lockFd, logFd, keeper: undefined }),
      [Symbol.dispose]: () => {
        closeSync(logFd);
        removeDirectory(directory);
      },
    };
  } catch (error) {
    if (!isSystemError(error) && !(error instanceof FsError)) throw error;
    log(`no keeper: ${messageOf(error)}`);
    return undefined;
  }
}
