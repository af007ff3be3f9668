/**
 * The names of a path, one after the other, and those that symlinks put in their place: what is the same in a walk over every
 * tree. Who walks looks each name up, goes up at `..`, and hands in what a symlink holds.
 */

import type { Name } from './name.js';

/** Linux: include/linux/namei.h:MAXSYMLINKS. */
export const MAX_SYMLINKS = 40;

export class PathNames {
  /** The next one is the last here. */
  readonly #names: Name[];
  #links = 0;

  constructor(path: Name) {
    this.#names = namesOf(path).reverse();
  }

  /** Never empty or `.`; undefined at the end. */
  next(): Name | undefined {
    return this.#names.pop();
  }

  /** Those that are still to come, the next one first. */
  get rest(): readonly Name[] {
    return this.#names.toReversed();
  }

  get isEmpty(): boolean {
    return this.#names.length === 0;
  }

  /**
   * Puts what a symlink holds in the place of its name.
   * @returns where the walk goes on, at the root or in the directory of the symlink; undefined when there were 40 already, and
   * the symlink is not followed.
   */
  follow(content: Name): 'root' | 'here' | undefined {
    if (this.#links === MAX_SYMLINKS) return undefined;
    this.#links++;
    this.#names.push(...namesOf(content).reverse());
    return content.startsWith('/') ? 'root' : 'here';
  }
}

function namesOf(path: Name): Name[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}
