/**
 * What a container has written is in upper on return, also what the kernel holds of a running one's files, and upper and
 * its volumes on their disks. By several calls: FUSE passes no syncfs(2) on.
 */

import { closeSync, constants, existsSync, openSync } from 'node:fs';
import { remoteSourceOf } from '../../daemon/config/remote-source.js';
import { check } from '../../errno/fs-error.js';
import { syncfs } from '../../linux/files/data.js';
import { readMountinfo } from '../../linux/mounts/mountinfo.js';
import { volumeNameOf } from '../../mounts/request/named-sources.js';
import { writeToDisk } from '../../realfs/disk/write-to-disk.js';
import type { ContainerRecord, Rootfs } from '../../store/container-record.js';
import type { Store } from '../../store/store.js';
import { volumeData } from '../../store/volume-home.js';
import { nameFromText } from '../../vfs/name.js';
import { realHome, realRoot } from '../record/real-root.js';
import { containerStatus, mountPointOf } from '../record/status.js';

/** @throws FsError */
export function flushContainer(store: Store, record: ContainerRecord): void {
  if (containerStatus(store, record).daemon !== undefined) flushMount(mountPointOf(store, record));
  flushDisks(store, record);
}

/** What is in upper and the volumes is on their disks on return. @throws FsError */
export function flushDisks(store: Store, record: Rootfs): void {
  const home = realHome(store, record.id);
  writeToDisk([home, ...localVolumes(store, record)].map(nameFromText));
}

/** Directories of the volumes that it may write, but for those on remote storage, for which nobody waits. */
function localVolumes(store: Store, { mounts }: Rootfs): string[] {
  const root = realRoot(store);
  const entries = readMountinfo();
  return mounts
    .map(({ request }) => request)
    .flatMap((request) => {
      const volume = request.readOnly ? undefined : volumeNameOf(request);
      return volume === undefined ? [] : [{ remote: request.remote, path: `${root}/${volumeData(volume)}` }];
    })
    .filter(({ path, remote }) => remoteSourceOf(nameFromText(path), { remote }, entries) === undefined)
    .map(({ path }) => path)
    .filter((path) => existsSync(path));
}

/** What the kernel holds of a mount's files is in upper and the volumes on return, not on their disks. */
export function flushMount(path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    check(syncfs(fd), 'syncfs', path);
  } finally {
    closeSync(fd);
  }
}
