/** The store's root without symlinks: daemons and mountinfo know paths in that form only. */

import { realpathSync } from 'node:fs';
import { CAP_SYS_ADMIN, hasCapability } from '../linux/process.js';
import type { Store } from '../store/store.js';

export function realRoot(store: Store): string {
  return realpathSync(store.root);
}

/** Without it, commands run in a user namespace that knows one user. */
export function mayChangeUser(): boolean {
  return hasCapability(CAP_SYS_ADMIN);
}
