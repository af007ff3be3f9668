/**
 * The extended attributes that a copy-up takes along: all, ACLs and capabilities among them, but overlayfs's private ones; a
 * user's own of such a name is stored escaped, and is copied so.
 * Linux: fs/overlayfs/copy_up.c:ovl_copy_xattr() v6.18.
 */

import { EOPNOTSUPP, EPERM } from '../../errno/errno.js';
import { XATTR_NAME_CAPS } from '../../linux/constants.js';
import type { Refusal, XattrPolicy } from '../../realfs/tree-copy/policy.js';
import type { Name } from '../../vfs/name.js';
import type { PrivateXattrs } from '../form/overlay-xattrs.js';

export class CopyUpXattrs implements XattrPolicy {
  readonly #own: PrivateXattrs;
  /** Whether the original has security.capability. */
  hasMetCapability = false;

  constructor(own: PrivateXattrs) {
    this.#own = own;
  }

  leavesOut(attribute: Name): boolean {
    if (attribute === XATTR_NAME_CAPS) this.hasMetCapability = true;
    return this.#own.isPrivate(attribute);
  }

  /**
   * What upper's file system has no words for is left out, unless access hangs on it.
   * DEVIATION: without privileges an attribute that the user may not set (a capability) is not copied either.
   */
  forgives({ result, attribute = '' }: Refusal): boolean {
    if (result === -EOPNOTSUPP) return !mustCome(attribute);
    return result === -EPERM && process.geteuid?.() !== 0;
  }
}

/** Linux: fs/overlayfs/copy_up.c:ovl_must_copy_xattr() v6.18. */
function mustCome(attribute: Name): boolean {
  return attribute.startsWith('system.posix_acl_') || attribute.startsWith('security.');
}
