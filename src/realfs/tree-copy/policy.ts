/**
 * What a copy of a tree takes along, whose it is, and what becomes of what the target refuses: the questions that copies into
 * volumes, containers, layers and upper answer each in its own way. The way itself is the same for all.
 */

import { EOPNOTSUPP, EPERM } from '../../errno/errno.js';
import type { Name } from '../../vfs/name.js';

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Whose the copies are: `keep` as they were, undefined whoever copies. */
export type Owners = 'keep' | Owner | undefined;

/** Something that the target did not take. */
export interface Refusal {
  readonly call: 'chown' | 'chmod' | 'utimes' | 'mknod' | 'setxattr';
  /** A negated errno. */
  readonly result: number;
  /** As shown to people. */
  readonly path: string;
  readonly attribute?: Name;
}

export interface XattrPolicy {
  /** Whether an attribute of the source stays behind. */
  leavesOut(attribute: Name): boolean;
  /** Whether the copy goes on without what was refused; otherwise the errno is thrown. */
  forgives(refusal: Refusal): boolean;
}

export interface CopyPolicy extends XattrPolicy {
  readonly owners: Owners;
  /** Names that are there: `refuse` with EEXIST, or `replace` files and merge into directories. */
  readonly conflicts: 'refuse' | 'replace';
  /** `modified`: the time of access becomes that of modification. */
  readonly times: 'all' | 'modified';
  readonly xattrs: 'all' | 'none';
  /** Sockets, which mean nothing without who listens. */
  readonly sockets: 'copy' | 'leave out';
  /** Directories that are mount points, below the first directory: entered, or made and left empty. */
  readonly mounts: 'enter' | 'leave out';
  /** Permission bits of a copy, given the mode and type of its source. */
  readonly mode?: ((mode: number, type: number) => number) | undefined;
  /** Whether what lies at a path below the first object is copied. */
  readonly includes?: ((path: Name) => boolean) | undefined;
}

/** What the target cannot keep, or we may not give it. */
export function isNotKept(result: number): boolean {
  return result === -EOPNOTSUPP || result === -EPERM;
}
