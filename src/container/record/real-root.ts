/** The store's root without symlinks: daemons and mountinfo know paths in that form only. */

import { realpathSync } from 'node:fs';
import { containerHome } from '../../store/container-home.js';
import type { StoreView } from '../../store/store-view.js';

export function realRoot(store: StoreView): string {
  return realpathSync(store.root);
}

/** A container's home below the real root. */
export function realHome(store: StoreView, id: string): string {
  return `${realRoot(store)}/${containerHome(id)}`;
}
