/**
 * The names that a run has, so that steps meet each other: what a step wishes for becomes a name that is there.
 *
 * Random paths alone fail nine times in ten and test little but ENOENT. The model takes over the tree of the reference
 * where it is read (each tenth step), and between follows roughly what each step that succeeded does.
 */

import type { FileType } from '../helpers/operations/attribute-operations.js';

/** Where a step wants its path: something that exists, a name in an existing directory, or anywhere. */
export type PathWish = 'regular' | 'leaf' | 'dir' | 'symlink' | 'any' | 'new' | 'random';

export interface DrawnPath {
  readonly wish: PathWish;
  readonly pick: number;
  readonly name: string;
  readonly random: string;
}

/** More names than that make runs slow and meetings rare. */
const CROWDED = 90;

export class NameModel {
  #known = new Map<string, FileType>([['', 'dir']]);
  readonly slots = new Set<number>();

  /** Forgets what it guessed. @param entries paths below the run's directory, without that itself. */
  learn(entries: Iterable<readonly [path: string, type: FileType]>): void {
    this.#known = new Map([['', 'dir'], ...entries]);
  }

  get isCrowded(): boolean {
    return this.#known.size > CROWDED;
  }

  pick({ wish, pick, name, random }: DrawnPath): string {
    if (wish === 'random') return random;
    const found = [...this.#known].filter(([path, type]) => {
      if (wish === 'new') return type === 'dir';
      if (path === '') return false;
      if (wish === 'any') return true;
      if (wish === 'leaf') return type !== 'dir';
      return type === (wish === 'regular' ? 'file' : wish);
    });
    const chosen = found[pick % Math.max(1, found.length)]?.[0];
    if (chosen === undefined) return random;
    return wish !== 'new' ? chosen : chosen === '' ? name : `${chosen}/${name}`;
  }

  make(path: string, type: FileType): void {
    if (!this.#known.has(path)) this.#known.set(path, type);
  }

  remove(path: string): void {
    const below = [...this.#known.keys()].filter((known) => known.startsWith(`${path}/`));
    for (const known of [path, ...below]) this.#known.delete(known);
  }

  move(from: string, to: string): void {
    const moved = [...this.#known].filter(([path]) => path === from || path.startsWith(`${from}/`));
    this.remove(to);
    for (const [path] of moved) this.#known.delete(path);
    for (const [path, type] of moved) this.#known.set(to + path.slice(from.length), type);
  }
}
