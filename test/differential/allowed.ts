/**
 * Where two file systems may answer differently, each with its reason.
 *
 * `stop`: the states differ from there on, so the run ends and its trees are not compared. `same`: only the answer
 * differs. This is the one table: a difference that is not here is a failure.
 */

import type { Outcome, Step, StepName } from './steps.js';

export interface AllowedDifference {
  readonly reason: string;
  readonly effect: 'stop' | 'same';
  /** `other` is the outcome on the side that is not kernel overlayfs; `earlier` are the steps before. */
  matches(step: Step, overlayfs: Outcome, other: Outcome, earlier: readonly Step[]): boolean;
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

/** Only for plyfs, whose opened files the kernel reads itself (passthrough). */
export const allowedForPlyfs: readonly AllowedDifference[] = [
  ...allowedAgainstOverlayfs,
  {
    reason:
      'a descriptor opened read-only before copy-up keeps the data of the layer, and the size with it (design)',
    effect: 'same',
    matches: (step, overlayfs, other, earlier) =>
      (step.step === 'slotRead' || (step.step === 'slotStat' && differsInSizeOnly(overlayfs, other))) &&
      'result' in overlayfs &&
      'result' in other &&
      accessOf(step.slot, earlier) === 'r' &&
      earlier.some((one) => CHANGES_DATA.has(one.step)),
  },
];

const CHANGES_DATA: ReadonlySet<StepName> = new Set([
  'write',
  'append',
  'truncate',
  'openTruncate',
  'punch',
  'copyRange',
  'slotWrite',
  'slotTruncate',
]);

/** How the slot was opened last. */
function accessOf(slot: number, earlier: readonly Step[]): string | undefined {
  const opened = earlier.findLast((one) => one.step === 'open' && one.slot === slot);
  return opened?.step === 'open' ? opened.access : undefined;
}

function differsInSizeOnly(overlayfs: Outcome, other: Outcome): boolean {
  if (!('result' in overlayfs) || !('result' in other)) return false;
  const [mine, theirs] = [overlayfs.result, other.result] as Record<string, unknown>[];
  return JSON.stringify({ ...mine, size: 0 }) === JSON.stringify({ ...theirs, size: 0 });
}

function differsInNlinkOnly(overlayfs: Outcome, other: Outcome, wanted: number): boolean {
  if (!('result' in overlayfs) || !('result' in other)) return false;
  const [mine, theirs] = [overlayfs.result, other.result] as Record<string, unknown>[];
  return theirs?.nlink === wanted && JSON.stringify({ ...mine, nlink: wanted }) === JSON.stringify(theirs);
}
