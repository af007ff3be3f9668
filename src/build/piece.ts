/**
 * What one source of COPY or ADD stands for.
 */

import type { Owner } from '../container/copy/copy-objects.js';
import type { Arrival } from './place-files.js';

export interface Piece {
  /** What the outcome depends on. */
  readonly key: string;
  /** How many things it is; undefined: only known when it is placed. */
  readonly count: number | undefined;
  /** @returns how many things came. */
  place(arrival: Arrival, owner: Owner | undefined): Promise<number> | number;
}
