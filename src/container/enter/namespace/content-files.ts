/**
 * Files whose content came with the order, in a tmpfs of the command's mount namespace: it goes with the command, however
 * that ends, and nothing of it is ever on a disk.
 */

import { fchmodSync, fchownSync, writeSync } from 'node:fs';
import { codeOf } from '../../../errno/error-code.js';
import { check, FsError } from '../../../errno/fs-error.js';
import { UserError } from '../../../errno/user-error.js';
import {
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  O_CREAT,
  O_EXCL,
  O_WRONLY,
  OPEN_TREE_CLONE,
} from '../../../linux/constants.js';
import { close, openat } from '../../../linux/files/open.js';
import { openTree, privateTmpfs } from '../../../linux/mounts/mount.js';
import type { ContentSource, NamespaceMount } from '../enter-request.js';
import type { Candidate } from './clone-source.js';
import { restrict } from './restrict.js';
import { attachTo, detachAt, type RootTree } from './root-tree.js';

const FLAGS = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
const PRIVATE_MODE = 0o700;

/** One that `contentOf()` has found. */
interface ContentMount {
  readonly mount: NamespaceMount;
  readonly source: ContentSource;
}

/** Those whose content came with the order. */
export function contentOf(mounts: readonly NamespaceMount[]): ContentMount[] {
  return mounts.flatMap((mount) =>
    mount.source.kind === 'content' ? [{ mount, source: mount.source }] : [],
  );
}

/**
 * Before Linux 6.15 a part of a mount can be cloned only where that is attached, so the tmpfs lies over the root for the while.
 * PRECONDITION: the root is the container's, no mount of it spreads, and the user's are not attached yet.
 * @throws UserError, FsError
 */
export function makeContents(
  tree: RootTree,
  contents: readonly ContentMount[],
  descriptorsFd: number,
): Candidate[] {
  if (contents.length === 0) return [];
  const options = { source: 'tmpfs', mode: PRIVATE_MODE, avoidsSwap: true };
  const memory = check(privateTmpfs(options, FLAGS), 'mount', 'tmpfs');
  attachTo(memory, tree.rootFd, '/');
  try {
    return contents.map(({ mount, source }, index) => {
      writeFile(memory, String(index), { mount, source });
      const fd = check(openTree(memory, String(index), OPEN_TREE_CLONE), 'clone', mount.target);
      if (mount.readOnly) restrict(fd, FLAGS | MOUNT_ATTR_RDONLY, mount.target);
      return { mount, fd, isFollowed: false };
    });
  } finally {
    detachAt(memory, descriptorsFd, '/');
    close(memory);
  }
}

function writeFile(directory: number, name: string, { mount, source }: ContentMount): void {
  const { base64, mode, uid, gid } = source;
  const flags = O_WRONLY | O_CREAT | O_EXCL;
  const fd = check(openat(directory, name, flags, 0o600), 'create', mount.target);
  try {
    const bytes = Buffer.from(base64, 'base64');
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    if (uid !== 0 || gid !== 0) fchownSync(fd, uid, gid);
    fchmodSync(fd, mode);
  } catch (error) {
    if (error instanceof FsError) throw error;
    throw new UserError(`cannot give '${mount.spec}' to ${uid}:${gid}: ${codeOf(error) ?? String(error)}`, {
      cause: error,
    });
  } finally {
    close(fd);
  }
}
