/**
 * `volumes/NAME/volume.json`: what is known of a volume.
 */

import { readJson, writeJson } from './atomic-file.js';
import type { Store } from './store.js';

export const ANONYMOUS_LABEL = 'plyfs.volume.anonymous';

export interface VolumeRecord {
  readonly name: string;
  /** RFC 3339, UTC. */
  readonly createdAt: string;
  /** An anonymous volume has ANONYMOUS_LABEL, with an empty value. */
  readonly labels: Readonly<Record<string, string>>;
  readonly driver: 'local';
  /** `type`, `device`, `o`, `size` as given; empty for a plain directory. */
  readonly options: Readonly<Record<string, string>>;
  /** What an anonymous volume was made for. */
  readonly madeFor?: VolumePurpose;
}

export interface VolumePurpose {
  /** Full id. */
  readonly container: string;
  /** Reference as typed. */
  readonly image: string;
  /** The mount point. */
  readonly path: string;
}

export function volumeDataPath(store: Store, name: string): string {
  return store.path('volumes', name, '_data');
}

/** @returns undefined when there is no such volume. */
export function readVolume(store: Store, name: string): VolumeRecord | undefined {
  return readJson(store.path('volumes', name, 'volume.json')) as VolumeRecord | undefined;
}

/** By name. A directory without a record is no volume; `doctor` finds it. */
export function listVolumes(store: Store): VolumeRecord[] {
  return store
    .names('volumes')
    .map((name) => readVolume(store, name))
    .filter((record) => record !== undefined);
}

export function writeVolume(store: Store, record: VolumeRecord): void {
  writeJson(store.path('volumes', record.name, 'volume.json'), record);
}
