/**
 * A volume under construction: in a hidden directory, which nobody sees and which vanishes unless it is published.
 */

import { chmodSync } from 'node:fs';
import { makeDirectories } from '../linux/files/make-directories.js';
import { writeJson } from '../store/atomic-file.js';
import { crashPoint } from '../store/crash-point.js';
import type { Intent } from '../store/intent.js';
import { FOLDER_MODE, type StorePath } from '../store/layout.js';
import type { Store } from '../store/store.js';
import { volumeHome } from '../store/volume-home.js';
import type { VolumeRecord } from '../store/volume-record.js';
import { IMAGE_FILE, makeImage } from './backing/disk-image.js';
import { backingOf } from './backing/driver-options.js';
import { mountBacking, mountedType, unmountBacking } from './backing/mount-backing.js';
import { noteVolume } from './note-volume.js';

export class StagedVolume implements Disposable {
  /** Absolute: what becomes `volumes/NAME`. */
  readonly home: string;
  readonly record: VolumeRecord;
  readonly #store: Store;
  readonly #staged: StorePath;
  readonly #intent: Intent;

  constructor(store: Store, record: VolumeRecord) {
    this.record = record;
    this.#store = store;
    this.#intent = store.intend();
    try {
      this.#staged = store.stage('volumes', this.#intent);
      this.home = store.path(this.#staged);
      // Whatever the umask is.
      chmodSync(this.home, FOLDER_MODE);
      furnish(this.home, record);
      writeJson(`${this.home}/volume.json`, record);
    } catch (error) {
      this.#intent.carryOut();
      throw error;
    }
  }

  /** Its `_data`, mounted until it is published. */
  open(): string {
    const backing = backingOf(this.record.options);
    if (backing.kind !== 'directory') mountBacking(`volume '${this.record.name}'`, this.home, backing);
    return `${this.home}/_data`;
  }

  /** PRECONDITION: the store is locked, and there is no volume of its name. */
  publish(): void {
    this.#unmount();
    this.#store.publish(this.#staged, volumeHome(this.record.name));
    this.#intent.end();
    noteVolume(this.#store, this.record.name, 'create');
  }

  [Symbol.dispose](): void {
    this.#unmount();
    this.#store.locked(() => this.#intent.carryOut());
  }

  #unmount(): void {
    if (mountedType(this.home) !== undefined) unmountBacking(this.home);
  }
}

const DATA_MODE = 0o755;

/** Makes what a volume has beside its record, where it is missing. */
export function furnish(home: string, record: VolumeRecord): void {
  const backing = backingOf(record.options);
  if (backing.kind === 'image') makeImage(`${home}/${IMAGE_FILE}`, backing.sizeBytes);
  const data = `${home}/_data`;
  if (makeDirectories(data, DATA_MODE) === undefined) return;
  chmodSync(data, DATA_MODE);
  crashPoint();
}
