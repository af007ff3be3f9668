/**
 * A disk that keeps a record of all that is written to it and of each flush, so that a test can have it as it was at any moment
 * (disk-at-cut.ts), as dm-log-writes does. Shows a directory with the backing file of a loop device at a mount point. Runs as a process:
 * SOURCE MOUNTPOINT RECORD.
 *
 * RECORD is appended to before each call is answered: for a write its kind (u32), length (u32) and offset (f64), then its bytes; for a
 * flush the same with length 0.
 */

import { openSync, writevSync } from 'node:fs';
import { EOPNOTSUPP } from '../../src/errno/errno.js';
import { fsError } from '../../src/errno/fs-error.js';
import type { WriteData } from '../../src/vfs/file-system.js';
import { FLUSH, HEADER_BYTES, WRITE } from './disk-at-cut.js';
import { serveDisk } from './served-disk.js';

const [source = '', mountpoint = '', record = ''] = process.argv.slice(2);
const recordFd = openSync(record, 'a');

function note(kind: number, offset: number, bytes: Uint8Array): void {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(kind, 0);
  header.writeUInt32LE(bytes.length, 4);
  header.writeDoubleLE(offset, 8);
  writevSync(recordFd, [header, bytes]);
}

await serveDisk(source, mountpoint, (operation, args) => {
  if (operation === 'write') {
    const { offset, bytes } = args[2] as WriteData;
    note(WRITE, offset, bytes);
  } else if (operation === 'fsync') note(FLUSH, 0, new Uint8Array());
  // Discards: the loop device then has none.
  else if (operation === 'fallocate') throw fsError(EOPNOTSUPP, operation);
});
