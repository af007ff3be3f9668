/** Where the changes of a container's binds with `cow` lie (daemon/config/own-uppers.ts). */

import type { Name } from '../../vfs/name.js';

/** @param home of the container. */
export function cowFolder(home: Name): Name {
  return `${home}/cow`;
}
