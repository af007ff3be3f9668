/**
 * A volume held for Docker's containers: its directory, or, where its options need plyfs (`timeout=`, owners), a mount of plyfs that
 * shows it.
 *
 * Storage of others (`type=`) is mounted in a thread, since mount(8) may wait for it; so are its users counted there.
 */

import { createHash } from 'node:crypto';
import { rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { makeMountsDirectory, runRoot } from '../../daemon/run-directory/run-state.js';
import { hasCode } from '../../errno/error-code.js';
import { makeDirectories } from '../../linux/files/make-directories.js';
import type { Store } from '../../store/store.js';
import { type VolumeRecord, volumeDataPath } from '../../store/volume-record.js';
import { backingOf, sharedOptionsOf } from '../../volume/backing/driver-options.js';
import { reserveVolume } from '../../volume/use.js';
import { ensureStanding, takeDown } from '../mount/standing-mount.js';
import { useInThread } from './volume-thread.js';

export interface HeldForDocker {
  readonly record: VolumeRecord;
  /** What Docker binds. */
  readonly path: string;
  /** Before one more user gets it: a daemon that served it may have died. @throws UserError */
  makeReady(): Promise<void>;
  /** Ends the use; its storage is unmounted with the last one. */
  end(): Promise<void>;
}

/** @throws UserError when its storage cannot be mounted. */
export async function beginToHold(store: Store, record: VolumeRecord): Promise<HeldForDocker> {
  const path = pathForDocker(store, record);
  if (isServed(record)) {
    await serve(store, record);
    return { record, path, makeReady: () => serve(store, record), end: () => unserve(store, record) };
  }
  if (backingOf(record.options).kind === 'mount') {
    const use = await useInThread(store, record.name);
    return { record, path, makeReady: async () => undefined, end: () => use.end() };
  }
  const use = reserveVolume(store, record.name);
  return {
    record,
    path,
    makeReady: async () => undefined,
    end: async () => use[Symbol.dispose](),
  };
}

/** What Docker binds, also while nobody has the volume. */
export function pathForDocker(store: Store, record: VolumeRecord): string {
  return isServed(record) ? join(treeOf(store, record), 'data') : volumeDataPath(store, record.name);
}

function isServed({ options }: VolumeRecord): boolean {
  return Object.keys(sharedOptionsOf(options)).length > 0;
}

/** Where the mount of a volume lies: two stores may have volumes of one name. */
function homeOf(store: Store, { name }: VolumeRecord): string {
  const key = createHash('sha256').update(store.root).digest('hex').slice(0, 12);
  return join(runRoot(), 'docker', key, name);
}

function treeOf(store: Store, record: VolumeRecord): string {
  return join(homeOf(store, record), 'tree');
}

async function serve(store: Store, record: VolumeRecord): Promise<void> {
  const tree = treeOf(store, record);
  const layer = join(homeOf(store, record), 'layer');
  makeMountsDirectory(runRoot());
  for (const directory of [tree, layer]) makeDirectory(directory);
  const spec = `type=volume,source=${record.name},target=/data,volume-nocopy`;
  await ensureStanding({ mountpoint: tree, layers: [layer], mounts: [spec], root: store.root });
}

/** The mount point of one whose daemon died can be made by nobody, and is there. */
function makeDirectory(path: string): void {
  try {
    makeDirectories(path, 0o755);
  } catch (error) {
    if (!hasCode(error, 'ENOTCONN', 'EEXIST')) throw error;
  }
}

async function unserve(store: Store, record: VolumeRecord): Promise<void> {
  const tree = treeOf(store, record);
  await takeDown(tree);
  const home = homeOf(store, record);
  for (const directory of [tree, join(home, 'layer'), home]) removeEmpty(directory);
}

function removeEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
}
