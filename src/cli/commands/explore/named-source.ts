/** What a name on the command line is, as the calls of the page have it: `image:app:1`, `mount:/mnt`. */

import { resolve } from 'node:path';
import { kindOfTree } from '../../../container/changes/named-tree.js';
import { findMount } from '../../../daemon/run-directory/find-mount.js';
import type { Store } from '../../../store/store.js';
import { displayName, nameFromText } from '../../../vfs/name.js';

/** @throws UserError when there is no such thing. */
export async function sourceOfName(store: Store, name: string): Promise<string> {
  return `${await kindOfTree(store, name)}:${name.replace(/^(?:image|container|volume):/, '')}`;
}

/** @throws UserError when nothing of plyfs is mounted there. */
export function sourceOfMount(path: string): string {
  return `mount:${displayName(findMount(nameFromText(resolve(path)), 'show').state.mountpoint)}`;
}
