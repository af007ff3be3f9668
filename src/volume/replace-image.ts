/**
 * The disk of a volume with `size=` gets other content: a new one is filled beside it, and takes its place by a rename that is decided
 * beforehand, so that a kill leaves the old one or the new one.
 */

import { join } from 'node:path';
import type { Store } from '../store/store.js';
import { volumeHome } from '../store/volume-home.js';
import type { VolumeRecord } from '../store/volume-record.js';
import { IMAGE_FILE } from './backing/disk-image.js';
import type { Backing } from './backing/driver-options.js';
import { mountBacking, unmountBacking } from './backing/mount-backing.js';
import { furnish } from './staged-volume.js';

interface ImageChange {
  readonly backing: Extract<Backing, { readonly kind: 'image' }>;
  /** Fills the root of the new disk, absolute; all of it is on that disk on return. */
  readonly fill: (to: string) => void;
  /** Runs the change while nobody uses the volume, under the lock of the store. @throws UserError when somebody does. */
  readonly whileFree: (change: () => void) => void;
}

/** What it had is gone on return. @throws what `fill` and `whileFree` throw; then it is as it was. */
export function replaceImage(
  store: Store,
  record: VolumeRecord,
  { backing, fill, whileFree }: ImageChange,
): void {
  using intent = store.intend();
  const staged = store.stage('volumes', intent);
  const home = store.path(staged);
  furnish(home, record);
  mountBacking(`volume '${record.name}'`, home, backing);
  try {
    fill(`${home}/_data`);
  } finally {
    unmountBacking(home);
  }
  store.locked(() => {
    whileFree(() => {
      const path = join(volumeHome(record.name), IMAGE_FILE);
      intent.decide([
        { do: 'replace', path, by: join(staged, IMAGE_FILE), keep: join(staged, 'previous') },
        { do: 'remove', path: staged },
      ]);
      intent.carryOut();
    });
  });
}
