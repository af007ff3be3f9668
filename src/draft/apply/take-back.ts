/**
 * Takes the steps of a log back, from the last to the first. Every step may be done, half done, not begun or taken back already:
 * so this may be interrupted too, and is run again.
 */

import { ENOENT, ENOTDIR } from '../../errno/errno.js';
import { check, isErrno } from '../../errno/fs-error.js';
import { O_NONBLOCK, O_RDONLY, O_WRONLY, STATX_BASIC_STATS } from '../../linux/constants.js';
import { ftruncate } from '../../linux/files/inode.js';
import { close, openat } from '../../linux/files/open.js';
import { fstatx, Statx } from '../../linux/files/statx.js';
import { copyData } from '../../realfs/copy-data.js';
import { crashPoint } from '../../store/crash-point.js';
import type { BeneathTree } from '../changes/beneath-tree.js';
import type { ApplyStep } from './apply-log.js';
import { setAttributesAt } from './kept-attributes.js';
import { type Restored, restoredKey } from './restored.js';
import type { ApplyStage } from './stage.js';

interface ChangedArea {
  readonly host: BeneathTree;
  readonly stage: ApplyStage;
}

/** @returns the objects that this has touched, as it has left them. @throws FsError */
export function takeBackSteps(
  steps: readonly ApplyStep[],
  areas: ReadonlyMap<string, ChangedArea>,
): Restored {
  const touched: Record<string, readonly [sec: number, nsec: number]> = {};
  for (const step of steps.toReversed()) {
    const area = areas.get(step.area);
    if (area === undefined) throw new Error(`area ${step.area} is not open`);
    takeStepBack(step, area);
    // Under the name that it has at this point: directories further up have theirs back later.
    const side = area.host.look(step.path);
    if (side !== undefined) touched[restoredKey(step.area, side.ino)] = [side.ctimeSec, side.ctimeNsec];
    crashPoint();
  }
  return touched;
}

function takeStepBack(step: ApplyStep, { host, stage }: ChangedArea): void {
  switch (step.do) {
    case 'take':
      if (stage.has(step.item)) stage.put(step.item, step.path);
      return;
    case 'put':
      if (!stage.has(step.item) && host.look(step.path) !== undefined) stage.take(step.path, step.item);
      return;
    case 'data':
      writeBack(host, stage, step);
      return;
    case 'attributes':
      try {
        if (host.look(step.path) !== undefined) setAttributesAt(host, step.path, step.before);
      } catch (error) {
        if (!isErrno(error, ENOENT) && !isErrno(error, ENOTDIR)) throw error;
      }
  }
}

const stat = new Statx();

function writeBack(host: BeneathTree, stage: ApplyStage, step: ApplyStep & { readonly do: 'data' }): void {
  const from = check(openat(stage.fd, step.item, O_RDONLY), 'open', step.item);
  try {
    const to = check(host.open(step.path, O_WRONLY | O_NONBLOCK), 'open', host.shown(step.path));
    try {
      check(fstatx(from, STATX_BASIC_STATS, stat), 'statx', step.item);
      const { sizeBytes } = stat;
      check(ftruncate(to, 0), 'truncate', host.shown(step.path));
      check(copyData(from, to, sizeBytes), 'copy', host.shown(step.path));
    } finally {
      close(to);
    }
  } finally {
    close(from);
  }
}
