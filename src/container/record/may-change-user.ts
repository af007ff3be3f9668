/** Whether this user's commands may run as others. */

import { CAP_SYS_ADMIN, hasCapability } from '../../linux/process/process.js';

/** Without it, commands run in a user namespace that knows one user. */
export function mayChangeUser(): boolean {
  return hasCapability(CAP_SYS_ADMIN);
}
