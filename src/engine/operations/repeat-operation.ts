/**
 * A request that a process which died may have carried out already: it gives what it would have given the first time.
 *
 * The kernel asked for it with the names locked, and nobody but us changes what it is about. So a name that is to be made and is there
 * was made by the first attempt; one that is to go and is missing went with it.
 */

import { EEXIST, ENODATA, ENOENT } from '../../errno/errno.js';
import { FsError } from '../../errno/fs-error.js';
import * as op from '../../fuse/abi/abi-opcodes.js';
import { RENAME_EXCHANGE } from '../../linux/constants.js';
import type { Name } from '../../vfs/name.js';
import { type Exchange, type Operation, performOperation } from './operation.js';

interface Repeat {
  /** What the call fails with when it was done before. */
  readonly doneBy: number;
  /** Fills the records as the call would have. */
  readonly find: (x: Exchange) => void;
}

/** The name was made: its node, with a reference. @throws FsError */
function findMade(name: (x: Exchange) => Name): (x: Exchange) => void {
  return (x) => {
    const { fs, header, records } = x;
    if (!fs.lookup(header.nodeId, name(x), records.entry))
      throw new FsError(EEXIST, { op: 'lookup', path: name(x) });
  };
}

const isGone: Repeat = { doneBy: ENOENT, find: () => undefined };

const repeats: ReadonlyMap<number, Repeat> = new Map([
  [op.FUSE_UNLINK, isGone],
  [op.FUSE_RMDIR, isGone],
  [op.FUSE_RENAME, isGone],
  [op.FUSE_RENAME2, isGone],
  [op.FUSE_REMOVEXATTR, { doneBy: ENODATA, find: () => undefined }],
  [op.FUSE_SETXATTR, { doneBy: EEXIST, find: () => undefined }],
  [op.FUSE_MKDIR, { doneBy: EEXIST, find: findMade(({ records }) => records.mkdir.name) }],
  [op.FUSE_MKNOD, { doneBy: EEXIST, find: findMade(({ records }) => records.mknod.name) }],
  [op.FUSE_SYMLINK, { doneBy: EEXIST, find: findMade(({ records }) => records.symlink.name) }],
  [op.FUSE_LINK, { doneBy: EEXIST, find: findMade(({ records }) => records.link.name) }],
  [op.FUSE_CREATE, { doneBy: EEXIST, find: findCreated }],
]);

function findCreated(x: Exchange): void {
  const { fs, header, records } = x;
  findMade(() => records.create.name)(x);
  const { intent, opened, create, entry } = records;
  intent.pid = header.pid;
  intent.flags = create.flags;
  intent.killPriv = false;
  opened.reset();
  fs.open(entry.nodeId, intent, opened);
}

/** By opcode, for a look at each request. */
const repeatable = new Uint8Array(op.OPCODE_LIMIT);
for (const opcode of [...repeats.keys(), op.FUSE_OPEN, op.FUSE_RELEASE]) repeatable[opcode] = 1;

/** Whether the outcome of a second time differs from that of the first. */
export function isRepeatable(opcode: number): boolean {
  return repeatable[opcode] === 1;
}

/** What is known of the first time. */
interface Before {
  /** Whether both have changed places, in a rename that exchanges. */
  readonly wasExchanged: boolean;
}

/** @returns as performOperation(). */
export function repeatOperation(operation: Operation, x: Exchange, { wasExchanged }: Before): number {
  // It may have been counted: a file that seems open for ever does no harm, one that seems closed too early would.
  if (operation.opcode === op.FUSE_RELEASE) return 0;
  if (operation.opcode === op.FUSE_RENAME2) {
    operation.decode(x);
    if (wasExchanged && (x.records.rename.flags & RENAME_EXCHANGE) !== 0) return 0;
  }
  try {
    return performOperation(operation, x);
  } catch (error) {
    const repeat = repeats.get(operation.opcode);
    if (!(error instanceof FsError) || error.errno !== repeat?.doneBy) throw error;
    x.reply.reset();
    repeat.find(x);
    operation.encode(x);
    return 0;
  }
}
