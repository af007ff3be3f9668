/**
 * Copies a volume's tree with all that can be copied: owners, modes, times to the nanosecond, xattrs (ACLs and capabilities
 * among them), hard links, holes, fifos, sockets, devices. What is mounted below the source is not entered.
 */

import { EINVAL } from '../errno/errno.js';
import { check } from '../errno/fs-error.js';
import { AT_FDCWD, O_DIRECTORY, O_RDONLY } from '../linux/constants.js';
import { syncfs } from '../linux/files/data.js';
import { close, openat } from '../linux/files/open.js';
import { type CopyPolicy, isNotKept, type Refusal } from '../realfs/tree-copy/policy.js';
import { TreeCopy } from '../realfs/tree-copy/walk.js';
import { isOverlayXattr } from '../union/form/overlay-xattrs.js';
import { nameFromText } from '../vfs/name.js';

export interface CopyOutcome {
  readonly files: number;
  /** The length of all files; one with several names counts once. */
  readonly bytes: number;
  /** What the target's storage refused and the copy goes without, a line each. */
  readonly warnings: readonly string[];
}

/**
 * Copies the content of directory `from` into the existing, empty directory `to`, and the attributes of `from` onto it.
 * On disk on return.
 * @throws FsError of what cannot be read or written.
 */
export function copyTree(from: string, to: string): CopyOutcome {
  const source = openDirectory(from);
  try {
    const target = openDirectory(to);
    try {
      const warnings = new Map<string, string>();
      using copy = new TreeCopy(policyWith(warnings));
      copy.directory(source, target);
      check(syncfs(target), 'syncfs', to);
      return { files: copy.files, bytes: copy.bytes, warnings: [...warnings.values()] };
    } finally {
      close(target);
    }
  } finally {
    close(source);
  }
}

/** What storage says that cannot, or we that may not, is a warning; a target that is full or read-only is another matter. */
function policyWith(warnings: Map<string, string>): CopyPolicy {
  return {
    owners: 'keep',
    conflicts: 'refuse',
    times: 'all',
    xattrs: 'all',
    sockets: 'copy',
    mounts: 'leave out',
    leavesOut: isOverlayXattr,
    forgives: (refusal) => {
      if (!isNotKept(refusal.result) && refusal.result !== -EINVAL) return false;
      // Of each kind once, with the first name.
      const kind = refusal.attribute ?? refusal.call;
      if (!warnings.has(kind)) warnings.set(kind, warningOf(refusal));
      return true;
    },
  };
}

function warningOf({ call, path, attribute }: Refusal): string {
  switch (call) {
    case 'mknod':
      return `'${path}' is left out: a special file cannot be made there`;
    case 'chown':
      return `'${path}' and perhaps others keep another owner`;
    case 'chmod':
      return `'${path}' and perhaps others keep another mode`;
    case 'utimes':
      return `'${path}' and perhaps others keep other times`;
    case 'setxattr':
      return `'${path}' and perhaps others go without ${attribute}`;
  }
}

function openDirectory(path: string): number {
  return check(openat(AT_FDCWD, nameFromText(path), O_RDONLY | O_DIRECTORY), 'open', path);
}
