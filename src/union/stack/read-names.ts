/** The names of a real directory. */

import { ENOENT } from '../../errno/errno.js';
import { check, isErrno } from '../../errno/fs-error.js';
import { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } from '../../linux/constants.js';
import { readEntriesInSteps } from '../../linux/files/directory.js';
import { close, openat } from '../../linux/files/open.js';
import type { Name } from '../../vfs/name.js';
import { finish } from '../../vfs/sliced-work.js';
import type { RealDirectory } from './layer.js';
import type { LayerStack } from './layer-stack.js';

/** Names of some 2 ms at most, with a look at each for whether it is a whiteout. */
const buffer = Buffer.allocUnsafe(32 * 1024);

/**
 * Calls `visit` for each name of a real directory but '.' and '..'; one that was removed under the mount, whatever the
 * rules for layers say, has none. ENOENT would end the listing for glibc, and hide what other layers have.
 */
export function readNames(
  stack: LayerStack,
  dir: RealDirectory,
  visit: (name: Name, ino: number, type: number) => void,
): void {
  finish(namesInSteps(stack, dir, visit));
}

/** The same, with a stop after each part. */
export function* namesInSteps(
  stack: LayerStack,
  dir: RealDirectory,
  visit: (name: Name, ino: number, type: number) => void,
): Generator<undefined, void> {
  const fd = openDirectory(stack, dir);
  if (fd === undefined) return;
  try {
    const result = yield* readEntriesInSteps(fd, buffer, visit);
    if (result !== -ENOENT) check(result, 'readdir', dir.name);
  } finally {
    close(fd);
  }
}

/** @returns undefined when it was removed. */
function openDirectory(stack: LayerStack, dir: RealDirectory): number | undefined {
  try {
    const fd = openat(stack.descriptor(dir), '.', O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    return check(fd, 'opendir', dir.name);
  } catch (error) {
    if (isErrno(error, ENOENT)) return undefined;
    throw error;
  }
}
