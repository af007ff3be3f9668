/**
 * Where two file systems may answer differently, each with its reason.
 *
 * `stop`: the states differ from there on, so the run ends and its trees are not compared. `same`: only the answer
 * differs. This is the one table: a difference that is not here is a failure.
 */

import type { Outcome, Step } from './steps.js';

export interface AllowedDifference {
  readonly reason: string;
  readonly effect: 'stop' | 'same';
  /** `other` is the outcome on the side that is not kernel overlayfs. */
  matches(step: Step, overlayfs: Outcome, other: Outcome): boolean;
}

export function codeOf(outcome: Outcome): string {
  return 'code' in outcome ? outcome.code : 'ok';
}

/** For plyfs, and for a plain directory, against kernel overlayfs with redirect_dir and index. */
export const allowedAgainstOverlayfs: readonly AllowedDifference[] = [
  {
    reason:
      'a removed file of a layer that is still open has no links, as on ext4; overlayfs keeps the count of the layer',
    effect: 'same',
    matches: (step, overlayfs, other) => step.step === 'slotStat' && differsInNlinkOnly(overlayfs, other, 0),
  },
  {
    reason: 'overlayfs refuses to copy up a file of a layer that is open and has no name any more',
    effect: 'stop',
    matches: (step, overlayfs) => step.step === 'slotChmod' && codeOf(overlayfs) === 'EEXIST',
  },
];

function differsInNlinkOnly(overlayfs: Outcome, other: Outcome, wanted: number): boolean {
  if (!('result' in overlayfs) || !('result' in other)) return false;
  const [mine, theirs] = [overlayfs.result, other.result] as Record<string, unknown>[];
  return theirs?.nlink === wanted && JSON.stringify({ ...mine, nlink: wanted }) === JSON.stringify(theirs);
}
