/** Enters the mount namespace of a running command, and its root directory with it. */

import { check } from '../../../errno/fs-error.js';
import { AT_FDCWD, O_RDONLY } from '../../../linux/constants.js';
import { close, openat } from '../../../linux/files/open.js';
import { setns } from '../../../linux/process/namespace.js';
import { unshareFs } from '../../../linux/process/process.js';

export function joinMounts(pid: number): readonly [] {
  const fd = check(openat(AT_FDCWD, `/proc/${pid}/ns/mnt`, O_RDONLY), 'open the mounts of', String(pid));
  check(unshareFs(), 'unshare');
  check(setns(fd), 'enter the mounts of', String(pid));
  close(fd);
  return [];
}
