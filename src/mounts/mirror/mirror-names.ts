/** rename and removal of names in mirrors of one directory: the host's own, and the nodes that follow. */

import { check } from '../../errno/fs-error.js';
import { RENAME_EXCHANGE } from '../../linux/constants.js';
import { renameat2, unlinkat } from '../../linux/files/directory.js';
import type { Name } from '../../vfs/name.js';
import type { MirrorFileSystem } from './mirror-file-system.js';
import type { MirrorNode } from './mirror-node.js';

interface MirrorName {
  readonly mirror: MirrorFileSystem;
  readonly at: MirrorNode;
  readonly name: Name;
}

/** @param flags RENAME_NOREPLACE, RENAME_EXCHANGE or 0. */
export function moveName(source: MirrorName, target: MirrorName, flags: number): void {
  const { mirror, at: from, name } = source;
  const { mirror: other, at: to } = target;
  const moved = mirror.find(from, name);
  const replaced = other.find(to, target.name);
  const { nlink, blocks } = other.stat;
  if (replaced !== undefined && moved !== replaced) other.table.pinRemoved(replaced, other.user);
  // In another mirror the kernel knows what moved as another node: this one has no name any more.
  if (moved !== undefined && mirror !== other) mirror.table.pinRemoved(moved, mirror.user);
  else if (moved !== undefined) mirror.table.descriptor(moved);
  if (replaced !== undefined && moved !== replaced) other.table.keepRemoved(replaced);
  const fd = mirror.table.descriptor(from);
  check(renameat2(fd, name, other.table.descriptor(to), target.name, flags), 'rename', name);
  from.listing = undefined;
  to.listing = undefined;
  const exchanged = (flags & RENAME_EXCHANGE) !== 0;
  if (mirror === other && moved !== undefined) mirror.table.setName(moved, to, target.name);
  if (mirror !== other && moved !== undefined) mirror.unname(moved);
  if (replaced === undefined || replaced === moved) return;
  if (exchanged && mirror === other) {
    mirror.table.setName(replaced, from, name);
    if (replaced.openCount === 0) mirror.table.unpin(replaced);
    return;
  }
  if (!exchanged && nlink === 1) other.files.unlinked(replaced, blocks);
  other.unname(replaced);
}

/** @param flags AT_REMOVEDIR for a directory, else 0. */
export function removeName({ mirror, at, name }: MirrorName, flags: number): void {
  const node = mirror.find(at, name);
  const { nlink, blocks } = mirror.stat;
  if (node !== undefined) {
    mirror.table.pinRemoved(node, mirror.user);
    mirror.table.keepRemoved(node);
  }
  const op = flags === 0 ? 'unlink' : 'rmdir';
  check(unlinkat(mirror.table.descriptor(at), name, flags), op, name);
  at.listing?.remove(name);
  if (node === undefined) return;
  if (nlink === 1) mirror.files.unlinked(node, blocks);
  mirror.unname(node);
}
