/**
 * Whom files belong to that a build makes: `--chown`, and USER for what WORKDIR makes.
 */

import { closeSync, readFileSync } from 'node:fs';
import { containerTree } from '../../container/copy/copy-target.js';
import { lookupUser } from '../../container/enter/become-user.js';
import { ENOENT } from '../../errno/errno.js';
import { check } from '../../errno/fs-error.js';
import { UserError } from '../../errno/user-error.js';
import { O_RDONLY } from '../../linux/constants.js';
import { CAP_CHOWN, hasCapability } from '../../linux/process/process.js';
import type { Owner } from '../../realfs/tree-copy/policy.js';
import { nameFromText } from '../../vfs/name.js';

/** Names are looked up in the tree. One number alone is both, as for Docker. */
export function ownerOf(rootFd: number, text: string): Owner | undefined {
  const { uid, gid } = lookupUser(text, readIn(rootFd, '/etc/passwd'), readIn(rootFd, '/etc/group'));
  const owner = { uid, gid: /^\d+$/.test(text) ? Number(text) : gid };
  if (hasCapability(CAP_CHOWN)) return owner;
  // Root of the build is who builds.
  if (owner.uid === 0 && owner.gid === 0) return undefined;
  throw new UserError(`files cannot be given to '${text}' without privileges`, { hint: 'run plyfs as root' });
}

/** The owner that USER names; one that is not there yet is root, as for BuildKit. */
export function userOwner(rootFd: number, user = ''): Owner | undefined {
  if (user === '') return undefined;
  try {
    return ownerOf(rootFd, user);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

function readIn(rootFd: number, path: string): string {
  const fd = containerTree(rootFd, 'build').open(nameFromText(path), O_RDONLY);
  if (fd === -ENOENT) return '';
  check(fd, 'open', path);
  try {
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}
