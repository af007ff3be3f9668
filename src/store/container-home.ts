/** Where the things of a container lie in a store; see layout.ts. */

import type { StorePath } from './layout.js';

/** All that a container has, by its id; relative to the store's root, as intents name it. */
export function containerHome(id: string): StorePath {
  return `containers/${id}`;
}
