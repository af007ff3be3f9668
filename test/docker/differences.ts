/**
 * Where plyfs differs from Docker on purpose: which case, in what, and why.
 *
 * INVARIANT: an entry that no longer differs fails the run, so the table tells what is so.
 */

export type Part = 'status' | 'stdout' | 'stderr';

export interface Difference {
  readonly case: string;
  readonly parts: readonly Part[];
  readonly reason: string;
}

export const differences: readonly Difference[] = [];
