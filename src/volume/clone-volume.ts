/**
 * A new volume with the content of another: what can be shared between files is (reflink), holes stay holes.
 *
 * The copy is made in a hidden directory and appears by one rename. It is a plain directory, or a disk of the same size
 * when the source has `size=`: with the source's device it would be the same storage, and no copy.
 */

import { UserError } from '../errno/user-error.js';
import type { Store } from '../store/store.js';
import { writeUsage } from '../store/usage-record.js';
import { ANONYMOUS_LABEL, readVolume, type VolumeRecord } from '../store/volume-record.js';
import { type CopyOutcome, copyTree } from './copy-tree.js';
import { StagedVolume } from './staged-volume.js';
import { useVolume } from './use.js';
import { checkVolumeName, noSuchVolume } from './volume-names.js';

interface CloneVolumeOptions {
  readonly from: string;
  readonly to: string;
  /** Besides those of the source. */
  readonly labels?: Readonly<Record<string, string>>;
  /** A directory with what the clone is to have instead of what the source has now. */
  readonly content?: string | undefined;
}

/**
 * Files that somebody writes meanwhile are copied as they are at some moment.
 * @throws UserError when there is no such volume, or one of the new name; FsError when it cannot be copied.
 */
export async function cloneVolume(
  store: Store,
  { from, to, labels, content }: CloneVolumeOptions,
): Promise<CopyOutcome> {
  checkVolumeName(to);
  const source = readVolume(store, from);
  if (source === undefined) throw noSuchVolume(from);
  refuseTaken(store, from, to);
  using use = await useVolume(store, from, { what: `cannot clone volume '${from}'` });
  using staged = new StagedVolume(store, recordOf(source, to, labels));
  const outcome = copyTree(content ?? use.path, staged.open());
  writeUsage(staged.home, outcome);
  store.locked(() => {
    refuseTaken(store, from, to);
    staged.publish();
  });
  return outcome;
}

function refuseTaken(store: Store, from: string, to: string): void {
  if (readVolume(store, to) === undefined) return;
  throw new UserError(`cannot clone volume '${from}': there is a volume '${to}' already`);
}

function recordOf(source: VolumeRecord, name: string, labels: CloneVolumeOptions['labels']): VolumeRecord {
  const { [ANONYMOUS_LABEL]: _, ...kept } = source.labels;
  const { size, type } = source.options;
  return {
    name,
    createdAt: new Date().toISOString(),
    labels: { ...kept, ...labels },
    driver: 'local',
    options: size === undefined || type !== undefined ? {} : { size },
  };
}
