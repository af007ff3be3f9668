/**
 * A tar into a volume: a new one, which appears when all of it is unpacked, or an empty one, which is empty again when
 * the tar is not good. What images refuse in tars (names that lead out, links through symlinks, bombs) is refused here.
 */

import { mkdirSync } from 'node:fs';
import { type Chunks, decompress } from '../archive/compress/decompress.js';
import { TarReader } from '../archive/tar/reader.js';
import { check } from '../errno/fs-error.js';
import { UserError } from '../errno/user-error.js';
import { LayerApplier } from '../image/layer/apply.js';
import type { Notices } from '../image/layer/entry-attributes.js';
import { layerLimits } from '../image/layer/layer-limits.js';
import { AT_FDCWD, O_DIRECTORY, O_RDONLY } from '../linux/constants.js';
import { syncfs } from '../linux/files/data.js';
import { close, openat } from '../linux/files/open.js';
import { deleteTree } from '../store/delete-tree.js';
import type { Store } from '../store/store.js';
import { writeUsage } from '../store/usage-record.js';
import { volumeHome } from '../store/volume-home.js';
import { readVolume } from '../store/volume-record.js';
import { nameFromText } from '../vfs/name.js';
import { recordOf } from './create-volume.js';
import { beginFilling, endFilling, undoFilling } from './filling.js';
import { isEmptyVolume } from './populate.js';
import { StagedVolume } from './staged-volume.js';
import { holdVolume } from './use.js';
import { checkVolumeName } from './volume-names.js';

interface ImportVolumeOptions {
  readonly name: string;
  /** The labels of a new volume. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Plain, gzip or zstd. */
  readonly source: Chunks;
  readonly skipDevices: boolean;
  readonly onBytes: (bytes: number) => void;
}

/**
 * @returns what was left out.
 * @throws UserError for a volume that is not empty, a tar that is hostile or damaged.
 */
export async function importVolume(store: Store, options: ImportVolumeOptions): Promise<Notices> {
  checkVolumeName(options.name);
  return readVolume(store, options.name) === undefined
    ? importNew(store, options)
    : importInto(store, options);
}

async function importNew(store: Store, options: ImportVolumeOptions): Promise<Notices> {
  using staged = new StagedVolume(store, recordOf({ name: options.name, labels: options.labels }));
  const { notices, ...usage } = await unpack(staged.open(), options);
  writeUsage(staged.home, usage);
  store.locked(() => {
    if (readVolume(store, options.name) !== undefined) throw taken(options.name, 'was made meanwhile');
    staged.publish();
  });
  return notices;
}

async function importInto(store: Store, options: ImportVolumeOptions): Promise<Notices> {
  using use = await holdVolume(store, options.name, { what: `cannot import into volume '${options.name}'` });
  const home = store.path(volumeHome(options.name));
  if (!isEmptyVolume(use.path)) throw taken(options.name, 'is not empty');
  beginFilling(home);
  try {
    const { notices, ...usage } = await unpack(use.path, options);
    writeUsage(home, usage);
    endFilling(home);
    return notices;
  } catch (error) {
    undoFilling(home);
    throw error;
  }
}

function taken(name: string, why: string): UserError {
  return new UserError(`cannot import into volume '${name}': it ${why}`, {
    hint: 'import into a new volume, or an empty one',
  });
}

interface Unpacked {
  readonly notices: Notices;
  readonly bytes: number;
  readonly files: number;
}

/** For what a later entry of the tar replaces: on the same file system, and gone in the end. */
const SCRATCH = '.plyfs-import';

async function unpack(
  path: string,
  { source, skipDevices, onBytes }: ImportVolumeOptions,
): Promise<Unpacked> {
  const { chunks } = await decompress(source);
  const scratch = `${path}/${SCRATCH}`;
  mkdirSync(scratch, { mode: 0o700 });
  const rootFd = openDirectory(path);
  const trashFd = openDirectory(scratch);
  const options = { rootFd, trashFd, limits: layerLimits(), skipDevices, isPlainTree: true };
  const applier = new LayerApplier(options);
  try {
    const reader = new TarReader(applier);
    for await (const chunk of chunks) {
      reader.write(chunk);
      onBytes(chunk.length);
    }
    reader.finish({ wantsEnd: true });
    deleteTree(scratch);
    const { notices, sizeBytes, entries } = applier.finish();
    check(syncfs(rootFd), 'syncfs', path);
    return { notices, bytes: sizeBytes, files: entries };
  } finally {
    applier.close();
    close(trashFd);
    close(rootFd);
  }
}

function openDirectory(path: string): number {
  return check(openat(AT_FDCWD, nameFromText(path), O_RDONLY | O_DIRECTORY), 'open', path);
}
