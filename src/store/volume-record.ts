/**
 * `volumes/NAME/volume.json`: what is known of a volume.
 */

import { writeJson } from './atomic-file.js';
import { readRecord, type Shape } from './read-record.js';
import type { Store } from './store.js';
import type { StoreView } from './store-view.js';
import { volumeData, volumeHome } from './volume-home.js';

export const ANONYMOUS_LABEL = 'plyfs.volume.anonymous';

export interface VolumeRecord {
  readonly name: string;
  /** RFC 3339, UTC. */
  readonly createdAt: string;
  /** An anonymous volume has ANONYMOUS_LABEL, with an empty value. */
  readonly labels: Readonly<Record<string, string>>;
  readonly driver: 'local';
  /** `type`, `device`, `o`, `size`, `timeout` and the like as given; empty for a plain directory. */
  readonly options: Readonly<Record<string, string>>;
  /** What an anonymous volume was made for. */
  readonly madeFor?: VolumePurpose;
  /** What it was filled with; absent: nothing, or before 2026-11-30. */
  readonly filledFrom?: VolumeFilling;
}

export interface VolumeFilling {
  /** Its id. */
  readonly image: string;
  /** Reference as typed. */
  readonly imageName: string;
  /** The directory in the image. */
  readonly path: string;
}

export interface VolumePurpose {
  /** Full id. */
  readonly container: string;
  /** Reference as typed. */
  readonly image: string;
  /** The mount point. */
  readonly path: string;
}

const SHAPE: Shape = {
  fields: {
    name: 'text',
    'createdAt?': 'text',
    'labels?': { mapOf: 'text' },
    'driver?': 'text',
    'options?': { mapOf: 'text' },
    'madeFor?': { fields: { container: 'text', image: 'text', path: 'text' } },
    'filledFrom?': { fields: { image: 'text', imageName: 'text', path: 'text' } },
  },
};

export function volumeDataPath(store: StoreView, name: string): string {
  return store.path(volumeData(name));
}

/** @returns undefined when there is no such volume. */
export function readVolume(store: StoreView, name: string): VolumeRecord | undefined {
  return readRecord(store.path(volumeHome(name), 'volume.json'), SHAPE);
}

/** By name. A directory without a record is no volume; `doctor` finds it. */
export function listVolumes(store: Store): VolumeRecord[] {
  return store
    .names('volumes')
    .map((name) => readVolume(store, name))
    .filter((record) => record !== undefined);
}

export function writeVolume(store: Store, record: VolumeRecord): void {
  writeJson(store.path(volumeHome(record.name), 'volume.json'), record);
}
