/**
 * What one source of COPY or ADD stands for.
 */

import type { Owner } from '../../../realfs/tree-copy/policy.js';
import type { Arrival } from '../../stage/write-files.js';

export interface CopyPiece {
  /** What the outcome depends on. */
  readonly key: string;
  /** How many things it is; undefined: only known when it is placed. */
  readonly count: number | undefined;
  /** @returns how many things came. */
  place(arrival: Arrival, owner: Owner | undefined): Promise<number> | number;
}
