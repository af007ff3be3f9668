/** Where the things of a volume lie in a store; see layout.ts. */

import type { StorePath } from './layout.js';

/** All that a volume has, by its name; relative to the store's root, as intents name it. */
export function volumeHome(name: string): StorePath {
  return `volumes/${name}`;
}

/** What the volume shows. */
export function volumeData(name: string): StorePath {
  return `${volumeHome(name)}/_data`;
}
