/**
 * What a container has written is in upper on return, also what the kernel holds of a running one's files, and upper on
 * its disk. By two calls: FUSE passes no syncfs(2) on.
 */

import { closeSync, constants, openSync } from 'node:fs';
import { check } from '../errno/fs-error.js';
import { writeToDisk } from '../files/write-to-disk.js';
import { syncfs } from '../linux/data.js';
import type { ContainerRecord } from '../store/container-record.js';
import type { Store } from '../store/store.js';
import { nameFromText } from '../vfs/name.js';
import { realRoot } from './real-root.js';
import { mountPointOf, statusOf } from './status.js';

/** @throws FsError */
export function flushContainer(store: Store, record: ContainerRecord): void {
  if (statusOf(store, record).daemon !== undefined) flushMount(mountPointOf(store, record));
  writeToDisk([nameFromText(`${realRoot(store)}/containers/${record.id}`)]);
}

function flushMount(path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    check(syncfs(fd), 'syncfs', path);
  } finally {
    closeSync(fd);
  }
}
