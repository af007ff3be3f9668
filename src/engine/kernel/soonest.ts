/** Times to wait in milliseconds, of which -1 is for ever. */

/** The smaller of two. */
export function soonest(oneMs: number, otherMs: number): number {
  return oneMs < 0 || otherMs < 0 ? Math.max(oneMs, otherMs) : Math.min(oneMs, otherMs);
}
