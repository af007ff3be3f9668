/** setattr of a mirrored object, with its owners mapped. */

import { ENODATA, EOPNOTSUPP, EPERM } from '../errno/errno.js';
import { check } from '../errno/fs-error.js';
import { AT_EMPTY_PATH, S_ISGID, S_ISUID, UTIME_NOW, UTIME_OMIT } from '../linux/constants.js';
import { fchmodat, fchownat, Times, utimensat } from '../linux/inode.js';
import { removexattrAt } from '../linux/xattr.js';
import type { AttrChange } from '../vfs/file-system.js';
import type { MirrorFileSystem } from './mirror-file-system.js';
import type { MirrorNode } from './mirror-node.js';
import type { OwnerMap } from './owner-map.js';

const S_IXGRP = 0o010;
const times = new Times();

export function setMirrorAttributes(
  mirror: MirrorFileSystem,
  node: MirrorNode,
  change: AttrChange,
  owners: OwnerMap | undefined,
): void {
  const fd = mirror.table.descriptor(node);
  if (change.sizeBytes !== undefined) mirror.files.truncate(node, change.sizeBytes);
  if (change.uid !== undefined || change.gid !== undefined) {
    owners?.assertChangeable(change.uid, change.gid);
    const uid = change.uid === undefined ? -1 : (owners?.storedUid(change.uid) ?? change.uid);
    const gid = change.gid === undefined ? -1 : (owners?.storedGid(change.gid) ?? change.gid);
    check(fchownat(fd, '', uid, gid, AT_EMPTY_PATH), 'chown', node.name);
  }
  if (change.mode !== undefined) check(fchmodat(fd, '', change.mode & 0o7777), 'chmod', node.name);
  if (change.killPriv) killMirrorPrivileges(mirror, node);
  const { atimeSec, mtimeSec } = change;
  if (atimeSec === undefined && mtimeSec === undefined) return;
  times.atimeSec = typeof atimeSec === 'number' ? atimeSec : 0;
  times.atimeNsec = atimeSec === undefined ? UTIME_OMIT : atimeSec === 'now' ? UTIME_NOW : change.atimeNsec;
  times.mtimeSec = typeof mtimeSec === 'number' ? mtimeSec : 0;
  times.mtimeNsec = mtimeSec === undefined ? UTIME_OMIT : mtimeSec === 'now' ? UTIME_NOW : change.mtimeNsec;
  check(utimensat(fd, '', times, AT_EMPTY_PATH), 'utimens', node.name);
}

function killMirrorPrivileges(mirror: MirrorFileSystem, node: MirrorNode): void {
  const fd = mirror.table.descriptor(node);
  mirror.statNode(node);
  let mode = mirror.stat.mode & 0o7777 & ~S_ISUID;
  if ((mode & S_IXGRP) !== 0) mode &= ~S_ISGID;
  if (mode !== (mirror.stat.mode & 0o7777)) check(fchmodat(fd, '', mode), 'chmod', node.name);
  const result = removexattrAt(fd, '', 'security.capability');
  if (result !== -ENODATA && result !== -EOPNOTSUPP && result !== -EPERM) check(result, 'removexattr', node.name);
}
