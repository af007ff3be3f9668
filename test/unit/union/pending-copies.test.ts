/** A file of upper that is filled with data is what it was before, whatever the copy and the disk say. */

import { fstatSync, futimesSync } from 'node:fs';
import { expect, it } from 'vitest';
import { EDQUOT, EIO } from '../../../src/errno/errno.js';
import { fsError } from '../../../src/errno/fs-error.js';
import { O_RDONLY, STATX_BASIC_STATS } from '../../../src/linux/constants.js';
import { openat } from '../../../src/linux/files/open.js';
import { fstatx, Statx } from '../../../src/linux/files/statx.js';
import type { Place } from '../../../src/realfs/real-object.js';
import { PendingCopies } from '../../../src/union/nodes/pending-copies.js';
import { newFile, ok, tempDirectory } from '../linux/temp-directory.js';

const [BEFORE, WRITTEN] = [1, 1000];

/** A file whose times writing has moved, and a disk that refuses what is asked of it for as long as it is told to. */
function filling() {
  const dir = tempDirectory();
  const fd = newFile(dir, 'f');
  const disk = { refuses: true };
  const node = { removed: false };
  const copies = new PendingCopies<typeof node>((_node, out: Place) => {
    if (disk.refuses) throw fsError(EDQUOT, 'open', 'f');
    out.dirfd = dir.fd;
    out.name = 'f';
  });
  futimesSync(fd, BEFORE, BEFORE);
  const stat = new Statx();
  ok(fstatx(fd, STATX_BASIC_STATS, stat));
  copies.beginFilling(node, { stat, capability: undefined });
  futimesSync(fd, WRITTEN, WRITTEN);
  const [sourceFd, targetFd] = [ok(openat(dir.fd, 'f', O_RDONLY)), ok(openat(dir.fd, 'f', O_RDONLY))];
  const spec = { kind: 'copy', source: sourceFd, target: targetFd, sizeBytes: 1, durable: true } as const;
  const job = { spec, done: true, result: -EIO };
  const copy = { job, sourceFd, targetFd, temporary: undefined, sizeBytes: 1, before: stat };
  copies.set(node, copy);
  return { disk, node, copies, copy, mtime: () => fstatSync(fd).mtimeMs / 1000 };
}

it('gives a failed copy up at once, and restores the file when the disk lets it', () => {
  const { disk, node, copies, mtime, copy } = filling();
  expect(() => copies.abandon(node, copy)).toThrow('disk quota exceeded');
  expect([copies.get(node), copies.before(node)?.mtimeSec, mtime()]).toEqual([undefined, BEFORE, WRITTEN]);
  disk.refuses = false;
  copies.restoreAll();
  expect([mtime(), copies.before(node)]).toEqual([BEFORE, undefined]);
});

it('lets a file go that the disk does not let restore', () => {
  const { node, copies, mtime } = filling();
  copies.drop(node);
  expect([copies.isEmpty, copies.before(node), mtime()]).toEqual([true, undefined, WRITTEN]);
});

it('leaves a file alone that nothing was written into', () => {
  const { node, copies, mtime, copy } = filling();
  // The disk would refuse any change.
  copies.restoreWritten(node, copy.before);
  expect([copies.before(node), mtime()]).toEqual([undefined, WRITTEN]);
});
