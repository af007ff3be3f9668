/** readdir of a mirrored directory: its names with lasting positions (vfs/listing.ts), without entries where the kernel
 * may not keep them. */

import { EACCES } from '../../errno/errno.js';
import { check } from '../../errno/fs-error.js';
import { DT_DIR, O_DIRECTORY, O_NOFOLLOW, O_RDONLY } from '../../linux/constants.js';
import { readEntriesInSteps } from '../../linux/files/directory.js';
import { close, openat } from '../../linux/files/open.js';
import { Entry } from '../../vfs/attr.js';
import type { DirentSink } from '../../vfs/file-system.js';
import { type ListedName, Listing } from '../../vfs/listing.js';
import type { Name } from '../../vfs/name.js';
import type { MirrorFileSystem } from './mirror-file-system.js';
import type { MirrorNode } from './mirror-node.js';

const buffer = Buffer.allocUnsafe(32 * 1024);
const entry = new Entry();
const nothing = new Entry();

export function readMirrorDirectory(
  mirror: MirrorFileSystem,
  node: MirrorNode,
  offset: number,
  sink: DirentSink,
): void {
  if (offset === 0 || node.listing === undefined) node.listing = list(mirror, node);
  const { listing } = node;
  mirror.statNode(node);
  const { dev } = mirror.stat;
  const own = mirror.shownInode(dev, mirror.stat.ino);
  if (offset < 1 && !addName(sink, '.', { ino: own, type: DT_DIR, next: 1 })) return;
  if (offset < 2 && !addName(sink, '..', { ino: own, type: DT_DIR, next: 2 })) return;
  let index = listing.indexAfter(Math.max(offset, 2));
  if (index >= listing.length) node.listing = undefined;
  const withEntries = sink.plus && mirror.ttlMs > 0;
  // Whoever may read a directory gets its entries, though not everyone may ask for one of them by name.
  if (withEntries) mirror.actAsDaemon();
  for (; index < listing.length; index++) {
    if (listing.isRemoved(index)) continue;
    const name = listing.names[index]!;
    if (!sink.fits(name.length)) return;
    const next = listing.positions[index]!;
    const type = listing.types[index]!;
    const child = withEntries ? mirror.find(node, name) : undefined;
    if (child === undefined) {
      addName(sink, name, { ino: mirror.shownInode(dev, listing.inos[index]!), type, next });
    } else {
      mirror.enter(child, entry);
      sink.addPlus(name, entry, type, next);
    }
  }
}

/** @returns false when the buffer is full. */
function addName(sink: DirentSink, name: Name, at: { ino: number; type: number; next: number }): boolean {
  if (!sink.fits(name.length)) return false;
  if (sink.plus) {
    nothing.attr.ino = at.ino;
    sink.addPlus(name, nothing, at.type, at.next);
  } else sink.add(name, at.ino, at.type, at.next);
  return true;
}

/** @throws Wait while it takes longer than a slice. */
function list(mirror: MirrorFileSystem, node: MirrorNode): Listing {
  // What the host changes is not seen here: nobody waits for a list that another began.
  const subject = { takesLong: node.listsLong, epoch: Number.NaN };
  try {
    return mirror.table.listings.run(mirror.files.session, subject, () => listInSteps(mirror, node));
  } finally {
    node.listsLong = subject.takesLong;
  }
}

function* listInSteps(mirror: MirrorFileSystem, node: MirrorNode): Generator<undefined, Listing> {
  const flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
  const at = mirror.table.descriptor(node);
  let opened = openat(at, '.', flags);
  // Opened by a caller who may: the kernel does not say when, so what has changed since must not count.
  if (opened === -EACCES) opened = mirror.asSelf(() => openat(at, '.', flags));
  const fd = check(opened, 'opendir', node.name);
  const entries: ListedName[] = [];
  try {
    const result = yield* readEntriesInSteps(fd, buffer, (name, ino, type) => {
      entries.push({ name, ino, type, source: 0 });
    });
    check(result, 'readdir', node.name);
  } finally {
    close(fd);
  }
  return yield* Listing.inSteps(entries);
}
