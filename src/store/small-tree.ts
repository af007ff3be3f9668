/** Whether a tree is deleted in a moment: told by a walk that ends where it is known. */

import { lstatSync, readdirSync } from 'node:fs';
import { codeOf } from '../errno/error-code.js';

const MOST_ENTRIES = 500;
const MOST_BYTES = 64 * 1024 * 1024;
const BLOCK_BYTES = 512;

/** False also for what cannot be looked at. */
export function isSmallTree(root: string): boolean {
  const todo = [Buffer.from(root)];
  let left = MOST_ENTRIES;
  let bytes = 0;
  try {
    for (let path = todo.pop(); path !== undefined; path = todo.pop()) {
      const stat = lstatSync(path);
      bytes += stat.blocks * BLOCK_BYTES;
      if (bytes > MOST_BYTES) return false;
      if (!stat.isDirectory()) continue;
      const names = readdirSync(path, { encoding: 'buffer' });
      left -= names.length;
      if (left < 0) return false;
      for (const name of names) todo.push(Buffer.concat([path, Buffer.from('/'), name]));
    }
    return true;
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return false;
  }
}
