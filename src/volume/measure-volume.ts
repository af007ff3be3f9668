/** How much is in a volume: found by a walk, which may take a while, and noted (store/usage-record.ts). */

import { measureTree } from '../store/measure-tree.js';
import type { Store } from '../store/store.js';
import { readUsage, type UsageRecord, writeUsage } from '../store/usage-record.js';
import { volumeHome } from '../store/volume-home.js';
import type { VolumeRecord } from '../store/volume-record.js';
import { IMAGE_FILE } from './backing/disk-image.js';
import { backingOf } from './backing/driver-options.js';

/** @returns undefined of a volume whose storage is mounted: it may be remote, and is left alone. @throws UserError */
export function measureVolume(
  store: Store,
  { name, options }: Pick<VolumeRecord, 'name' | 'options'>,
): UsageRecord | undefined {
  const home = store.path(volumeHome(name));
  const { kind } = backingOf(options);
  if (kind === 'directory') writeUsage(home, measureTree(`${home}/_data`));
  else if (kind === 'image') {
    const { diskBytes } = measureTree(`${home}/${IMAGE_FILE}`);
    writeUsage(home, { bytes: diskBytes, files: 1 });
  } else return undefined;
  return readUsage(home);
}
