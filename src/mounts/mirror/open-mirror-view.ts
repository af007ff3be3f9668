/**
 * A directory of the host as this process reads it, without a mount: for exports and comparisons.
 */

import { check } from '../../errno/fs-error.js';
import { AT_FDCWD, O_DIRECTORY, O_PATH } from '../../linux/constants.js';
import { openat } from '../../linux/files/open.js';
import { CallerIds } from '../../realfs/caller-ids.js';
import { DescriptorCache } from '../../realfs/descriptor-cache.js';
import { InodeNumbers } from '../../vfs/inode-numbers.js';
import type { Name } from '../../vfs/name.js';
import { MirrorFileSystem } from './mirror-file-system.js';

const DESCRIPTOR_LIMIT = 64;

/** Read-only; `detach()` closes it. @throws FsError when it cannot be opened or is no directory. */
export function openMirrorView(path: Name): MirrorFileSystem {
  return mirrorViewOf(check(openat(AT_FDCWD, path, O_PATH | O_DIRECTORY), 'open', path));
}

/** The same for an open directory, which `detach()` closes. */
export function mirrorViewOf(rootFd: number): MirrorFileSystem {
  return new MirrorFileSystem({
    rootFd,
    readOnly: true,
    owners: undefined,
    ttlMs: 0,
    quota: undefined,
    onDetach: () => undefined,
    callerIds: new CallerIds({ enabled: false }),
    inodeNumbers: new InodeNumbers(),
    descriptors: new DescriptorCache(DESCRIPTOR_LIMIT),
  });
}
