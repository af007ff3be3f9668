/** What the kernel holds of a running container's files is in upper on return. */

import { closeSync, constants, openSync } from 'node:fs';
import { check } from '../errno/fs-error.js';
import { syncfs } from '../linux/data.js';
import type { ContainerRecord } from '../store/container-record.js';
import type { Store } from '../store/store.js';
import { mountPointOf, statusOf } from './status.js';

export function flushMount(store: Store, record: ContainerRecord): void {
  if (statusOf(store, record).daemon === undefined) return;
  const path = mountPointOf(store, record);
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    check(syncfs(fd), 'syncfs', path);
  } finally {
    closeSync(fd);
  }
}
