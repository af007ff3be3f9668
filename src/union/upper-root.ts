/**
 * The root directory of a new upper: it lies on top, so its attributes are those of `/`, and it gets the layer's. Docker
 * takes over the mode and the owner; times and extended attributes come along here.
 */

import { check } from '../errno/fs-error.js';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  STATX_BASIC_STATS,
} from '../linux/constants.js';
import { fchmod, fchownat, Times, utimensat } from '../linux/files/inode.js';
import { close, openat } from '../linux/files/open.js';
import { fstatx, Statx } from '../linux/files/statx.js';
import { CAP_SYS_ADMIN, hasCapability } from '../linux/process/process.js';
import { copyXattrs } from '../realfs/tree-copy/attributes.js';
import { nameFromText } from '../vfs/name.js';
import { CopyUpXattrs } from './copy-up/copy-xattrs.js';
import { PrivateXattrs } from './form/overlay-xattrs.js';
import { xattrNamespaceHere } from './form/xattr-namespace.js';

const PERMISSIONS = 0o7777;
const OWNER_ALL = 0o700;

/** @param layer the topmost layer; both are absolute paths. @throws FsError */
export function takeRootAttributes(layer: string, upper: string): void {
  const from = openDirectory(layer);
  try {
    const to = openDirectory(upper);
    try {
      copyAttributes(from, to, upper);
    } finally {
      close(to);
    }
  } finally {
    close(from);
  }
}

function copyAttributes(from: number, to: number, shown: string): void {
  const stat = new Statx();
  check(fstatx(from, STATX_BASIC_STATS, stat), 'statx', shown);
  const privileged = hasCapability(CAP_SYS_ADMIN);
  // Owner first, since a change of it clears set-id bits.
  if (privileged) check(fchownat(to, '', stat.uid, stat.gid, AT_EMPTY_PATH), 'chown', shown);
  const policy = new CopyUpXattrs(new PrivateXattrs(xattrNamespaceHere()));
  copyXattrs({ dirfd: from, name: '' }, { dirfd: to, name: '' }, policy);
  // Without privilege a root that its owner may not write (0555 is common) could never be changed.
  const mode = (stat.mode & PERMISSIONS) | (privileged ? 0 : OWNER_ALL);
  check(fchmod(to, mode), 'chmod', shown);
  const times = new Times();
  times.atimeSec = stat.atimeSec;
  times.atimeNsec = stat.atimeNsec;
  times.mtimeSec = stat.mtimeSec;
  times.mtimeNsec = stat.mtimeNsec;
  check(utimensat(to, '', times, AT_EMPTY_PATH), 'utimensat', shown);
}

function openDirectory(path: string): number {
  return check(openat(AT_FDCWD, nameFromText(path), O_RDONLY | O_DIRECTORY | O_NOFOLLOW), 'open', path);
}
