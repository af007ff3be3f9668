/**
 * `--storage-opt size=`: upper and work of a container on a disk of its own, as a volume with `size=` has one: a sparse file
 * with ext4, mounted through a loop device. The limit is that of a real disk, whoever writes, and df shows it.
 *
 * `upper` and `work` are links into it. It is mounted from the first use until the container is removed: two mounts of
 * one file, an old one that is let go of late and a new one, would destroy it. Not mounted (after a restart of the host),
 * the links lead nowhere, so nothing is mistaken for an empty upper.
 */

import { chmodSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../errno/user-error.js';
import { layerTreePath } from '../../image/catalog/image-index.js';
import { makeDirectories } from '../../linux/files/make-directories.js';
import { containerHome } from '../../store/container-home.js';
import type { Rootfs } from '../../store/container-record.js';
import { lockFile } from '../../store/lock.js';
import type { Store } from '../../store/store.js';
import { takeRootAttributes } from '../../union/upper-root.js';
import { IMAGE_FILE, makeImage } from '../../volume/backing/disk-image.js';
import { mountBacking, mountedType, unmountBacking } from '../../volume/backing/mount-backing.js';

const FOLDERS = ['upper', 'work'] as const;
const FOLDER_MODE = 0o755;
/** Less holds no file system worth the name. */
const MIN_BYTES = 4 << 20;

/** Makes the disk of a new container, not mounted. @throws UserError */
export function makeOwnDisk(home: string, sizeBytes: number): void {
  if (process.geteuid?.() !== 0) {
    throw new UserError('cannot limit the storage of a container: it needs root, for a disk of its own', {
      hint: 'leave --storage-opt out',
    });
  }
  if (sizeBytes < MIN_BYTES) throw new UserError('cannot limit the storage of a container to less than 4m');
  makeDirectories(join(home, 'disk/_data'));
  makeImage(join(home, 'disk', IMAGE_FILE), sizeBytes);
  writeFileSync(join(home, 'disk/lock'), '', { mode: 0o600 });
  for (const folder of FOLDERS) symlinkSync(`disk/_data/${folder}`, join(home, folder));
}

/** Mounts it, if the container has one and it is not mounted. @throws UserError */
export function readyOwnDisk(store: Store, record: Rootfs): void {
  const sizeBytes = record.runtime?.storageBytes;
  if (sizeBytes === undefined) return;
  const disk = store.path(containerHome(record.id), 'disk');
  if (mountedType(disk) !== undefined) return;
  // Two commands at a time: one of them mounts it.
  using _lock = lockFile(join(disk, 'lock'));
  if (mountedType(disk) !== undefined) return;
  mountBacking(`the disk of container '${record.name}'`, disk, { kind: 'image', sizeBytes });
  makeFolders(`${disk}/_data`, store, record.layers.at(-1));
}

/** At the first time; a command that was killed in between has left some. */
function makeFolders(data: string, store: Store, top: string | undefined): void {
  for (const folder of FOLDERS) {
    const path = join(data, folder);
    if (makeDirectories(path) === undefined) continue;
    chmodSync(path, FOLDER_MODE);
    if (folder === 'upper' && top !== undefined) takeRootAttributes(layerTreePath(store, top), path);
  }
}

/** Takes the mount away. PRECONDITION: the container goes next. */
export function dropOwnDisk(store: Store, { id, runtime }: Rootfs): void {
  if (runtime?.storageBytes === undefined) return;
  const disk = store.path(containerHome(id), 'disk');
  if (mountedType(disk) !== undefined) unmountBacking(disk);
}
