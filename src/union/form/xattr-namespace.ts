/** The namespace of private attributes, by what this process may do. */

import { CAP_SYS_ADMIN, hasCapability } from '../../linux/process/process.js';
import { isInitialUserNamespace } from '../../linux/process/user-namespace.js';
import type { XattrNamespace } from './overlay-xattrs.js';

/** The namespace that private attributes of layers and upper have here: as mounts choose it. */
export function xattrNamespaceHere(): XattrNamespace {
  return hasCapability(CAP_SYS_ADMIN) && isInitialUserNamespace() ? 'trusted' : 'user';
}
