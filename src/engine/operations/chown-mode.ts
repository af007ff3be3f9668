/**
 * setgid without group execute (once mandatory locking) under a chown(2) by somebody who is not in the file's group: it
 * goes, as setuid does. Of a server that handles privileges the kernel leaves that to the server, whose own chown, with
 * CAP_FSETID, keeps the bit. Linux: fs/attr.c:setattr_should_drop_sgid(), fs/fuse/dir.c:fuse_setattr() v6.18.
 */

import { S_IFDIR, S_IFMT, S_ISGID, S_ISUID, S_IXGRP } from '../../linux/constants.js';
import { isInGroup } from '../../realfs/caller-status.js';
import { Attr } from '../../vfs/attr.js';
import type { Caller } from '../../vfs/caller.js';
import type { FileSystem } from '../../vfs/file-system.js';
import type { NodeId } from '../../vfs/node-id.js';

const attr = new Attr();

/** @returns the permission bits that a chown leaves, where its own would leave more; else undefined. */
export function modeAfterChown(fs: FileSystem, nodeId: NodeId, caller: Caller): number | undefined {
  // A root without CAP_FSETID is taken to have it.
  if (caller.uid === 0) return undefined;
  fs.getattr(nodeId, undefined, attr);
  const { mode, gid } = attr;
  const isMarked = (mode & S_IFMT) !== S_IFDIR && (mode & (S_ISGID | S_IXGRP)) === S_ISGID;
  return isMarked && !isInGroup(caller, gid) ? mode & 0o7777 & ~(S_ISUID | S_ISGID) : undefined;
}
