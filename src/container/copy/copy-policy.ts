/**
 * How `cp`, COPY and ADD copy: directories that are there are merged into, files that are there are replaced; a mount point,
 * which cannot be, is written over in place. Attributes come along with the owner alone.
 */

import { type CopyPolicy, isNotKept, type Owners } from '../../realfs/tree-copy/policy.js';
import { isOverlayXattr } from '../../union/form/overlay-xattrs.js';

export type CopyRules = Pick<CopyPolicy, 'mode' | 'includes'>;

/** @param rules modes of the copies, and which are made; without them all, as they are. */
export function copyPolicy(owners: Owners, rules: CopyRules = {}): CopyPolicy {
  return {
    ...rules,
    owners,
    conflicts: 'replace',
    times: 'modified',
    xattrs: owners === 'keep' ? 'all' : 'none',
    sockets: 'leave out',
    mounts: 'enter',
    // Labels are those of this host's policy.
    leavesOut: (attribute) => attribute === 'security.selinux' || isOverlayXattr(attribute),
    // What the target cannot keep is no reason to copy nothing.
    forgives: ({ call, result }) => call === 'setxattr' && isNotKept(result),
  };
}
