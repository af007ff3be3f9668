/** One volume: who made and who uses it, its size over time, and what has become of what an image filled it with. */

import { openVolumeDrift } from '../../container/changes/volume-origin.js';
import { runningMounts } from '../../daemon/run-directory/store-users.js';
import { compareTrees, type Difference } from '../../image/contents/compare-trees.js';
import type { Store } from '../../store/store.js';
import { displayName } from '../../vfs/name.js';
import { describeVolumes, type ListedVolume } from '../../volume/list-volumes.js';
import { measureVolume } from '../../volume/measure-volume.js';
import { noSuchVolume } from '../../volume/volume-names.js';
import type { DriftReply, MeasureReply, VolumeReply } from '../api.js';
import { volumeLine } from './describe-store.js';

const MOST_DRIFT = 1_000;

/** Touches no volume. @throws UserError when there is no such volume. */
export function describeVolume(store: Store, name: string): VolumeReply {
  const volume = volumeOf(store, name);
  const { filledFrom } = volume.record;
  return {
    ...volumeLine(volume),
    filledFrom: filledFrom && { image: filledFrom.imageName, path: filledFrom.path },
    history: [...(volume.usage?.earlier ?? []), ...(volume.usage === undefined ? [] : [volume.usage])].map(
      ({ bytes, files, measuredAt }) => ({ bytes, files, timeMs: Date.parse(measuredAt) }),
    ),
  };
}

/** Walks the volume, and notes what it found as `plyfs system df` does. @throws UserError */
export function measuredVolume(store: Store, name: string): MeasureReply {
  return { isMeasured: measureVolume(store, volumeOf(store, name).record) !== undefined };
}

/** As `plyfs volume status --semantic` tells it. @throws UserError when nothing filled it, or the image is gone. */
export async function driftOf(store: Store, name: string): Promise<DriftReply> {
  await using drift = await openVolumeDrift(store, name, undefined);
  const differences = compareTrees(drift.before, drift.after, {
    beforeAt: drift.beforeAt,
    ignoresTimes: true,
  });
  return {
    image: drift.imageName,
    path: drift.path,
    isOutdated: drift.isOutdated,
    count: differences.length,
    differences: differences.slice(0, MOST_DRIFT).map(driftLine),
  };
}

function driftLine({ kind, path, from, aspects }: Difference): DriftReply['differences'][number] {
  return {
    kind,
    path: displayName(path),
    from: from === undefined ? undefined : displayName(from),
    aspects,
  };
}

function volumeOf(store: Store, name: string): ListedVolume {
  const found = describeVolumes(store, runningMounts(store.root)).find(({ record }) => record.name === name);
  if (found === undefined) throw noSuchVolume(name);
  return found;
}
