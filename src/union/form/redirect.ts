/**
 * Redirects: a directory (or metacopy file) that was renamed says where its lower parts lie.
 *
 * Value: a single name, in the same parent; or an absolute path from the roots of the lower layers. Linux:
 * fs/overlayfs/namei.c:ovl_check_redirect(), dir.c:ovl_set_redirect() v6.18. Layers may carry redirects themselves, so
 * each layer can change the path for those below it.
 */

import { EACCES, EINVAL } from '../../errno/errno.js';
import { fsError } from '../../errno/fs-error.js';
import type { Name } from '../../vfs/name.js';

/** The kernel's limit: OVL_REDIRECT_MAX. */
export const REDIRECT_MAX = 256;

/** Where the next layer below is to be searched: `name` in the parent's directory there, or `path` from its root. */
export class Trail {
  name: Name;
  path: Name[] | undefined;
  /** Nothing below the layer now searched is to be looked at. */
  last = false;

  constructor(name: Name) {
    this.name = name;
  }

  /** @throws EINVAL for a value that is no redirect, EACCES for one through `.` or `..`, as overlayfs does. */
  follow(redirect: Name): void {
    if (redirect.startsWith('/')) {
      this.path = redirect.slice(1).split('/');
      this.path.forEach(assertName);
      // It leads out of what an opaque directory on the way hides. Linux: fs/overlayfs/namei.c:ovl_check_redirect().
      this.last = false;
    } else {
      assertName(redirect);
      if (this.path === undefined) this.name = redirect;
      else this.path[this.path.length - 1] = redirect;
    }
  }
}

function assertName(name: Name): void {
  if (name === '' || name.includes('/')) throw fsError(EINVAL, 'redirect', name);
  if (name === '.' || name === '..') throw fsError(EACCES, 'redirect', name);
}
