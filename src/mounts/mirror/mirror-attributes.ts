/** setattr of a mirrored object, with its owners mapped. */

import { check } from '../../errno/fs-error.js';
import { AT_EMPTY_PATH } from '../../linux/constants.js';
import { fchownat } from '../../linux/files/inode.js';
import { chmodAt, setTimesAt } from '../../realfs/real-object.js';
import type { AttrChange } from '../../vfs/file-system.js';
import type { MirrorFileSystem } from './mirror-file-system.js';
import type { MirrorNode } from './mirror-node.js';
import type { OwnerMap } from './owner-map.js';

export function setMirrorAttributes(
  mirror: MirrorFileSystem,
  node: MirrorNode,
  change: AttrChange,
  owners: OwnerMap | undefined,
): void {
  const fd = mirror.table.descriptor(node);
  if (change.sizeBytes !== undefined) mirror.files.truncate(node, change.sizeBytes, change.handle);
  if (change.uid !== undefined || change.gid !== undefined || change.bareChown) {
    owners?.assertChangeable(change.uid, change.gid);
    const uid = change.uid === undefined ? -1 : (owners?.storedUid(change.uid) ?? change.uid);
    const gid = change.gid === undefined ? -1 : (owners?.storedGid(change.gid) ?? change.gid);
    check(fchownat(fd, '', uid, gid, AT_EMPTY_PATH), 'chown', node.name);
  }
  if (change.mode !== undefined) chmodAt(fd, '', change.mode & 0o7777);
  if (change.killPriv) mirror.files.killPrivileges(node);
  setTimesAt(fd, '', change);
}
