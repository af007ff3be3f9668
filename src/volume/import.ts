/**
 * A tar into a volume: a new one, which appears when all of it is unpacked, or an empty one, which is empty again when
 * the tar is not good. What images refuse in tars (names that lead out, links through symlinks, bombs) is refused here.
 */

import { mkdirSync } from 'node:fs';
import { check } from '../errno/fs-error.js';
import { UserError } from '../errno/user-error.js';
import { type Chunks, decompress } from '../image/decompress.js';
import { LayerApplier } from '../image/layer/apply.js';
import type { Notices } from '../image/layer/attributes.js';
import { layerLimits } from '../image/layer/limits.js';
import { TarReader } from '../image/tar/reader.js';
import { AT_FDCWD, O_DIRECTORY, O_RDONLY } from '../linux/constants.js';
import { syncfs } from '../linux/data.js';
import { close, openat } from '../linux/open.js';
import { removeTree } from '../store/remove-tree.js';
import type { Store } from '../store/store.js';
import { writeUsage } from '../store/usage-record.js';
import { readVolume } from '../store/volume-record.js';
import { nameFromText } from '../vfs/name.js';
import { recordOf } from './create.js';
import { beginFilling, endFilling, undoFilling } from './filling.js';
import { checkVolumeName } from './names.js';
import { isEmptyVolume } from './populate.js';
import { StagedVolume } from './staged-volume.js';
import { holdVolume } from './use.js';

export interface ImportWish {
  readonly name: string;
  /** Of a new volume. */
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
export async function importVolume(store: Store, wish: ImportWish): Promise<Notices> {
  checkVolumeName(wish.name);
  return readVolume(store, wish.name) === undefined ? importNew(store, wish) : importInto(store, wish);
}

async function importNew(store: Store, wish: ImportWish): Promise<Notices> {
  using staged = new StagedVolume(store, recordOf({ name: wish.name, labels: wish.labels }));
  const { notices, ...usage } = await unpack(staged.open(), wish);
  writeUsage(staged.home, usage);
  store.locked(() => {
    if (readVolume(store, wish.name) !== undefined) throw taken(wish.name, 'was made meanwhile');
    staged.publish();
  });
  return notices;
}

async function importInto(store: Store, wish: ImportWish): Promise<Notices> {
  using use = holdVolume(store, wish.name);
  const home = store.path('volumes', wish.name);
  if (!isEmptyVolume(use.path)) throw taken(wish.name, 'is not empty');
  beginFilling(home);
  try {
    const { notices, ...usage } = await unpack(use.path, wish);
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

async function unpack(path: string, { source, skipDevices, onBytes }: ImportWish): Promise<Unpacked> {
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
    reader.finish(true);
    removeTree(scratch);
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
