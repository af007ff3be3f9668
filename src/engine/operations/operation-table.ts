/** The one table of operations, by opcode: an opcode without a row is answered ENOSYS. */

import { SIZEOF_DIRENT, SIZEOF_ENTRY_OUT } from '../../fuse/abi/abi.js';
import { OPCODE_LIMIT } from '../../fuse/abi/abi-opcodes.js';
import { readNode } from '../../fuse/abi/integers.js';
import { REPLY_BODY } from '../../fuse/messages/reply.js';
import { NO_NODE } from '../../vfs/node-id.js';
import { attributeRows } from './attribute-rows.js';
import { fileRows } from './file-rows.js';
import { nameRows } from './name-rows.js';
import type { Exchange, Operation } from './operation.js';

export const operations: readonly (Operation | undefined)[] = byOpcode([
  ...nameRows,
  ...attributeRows,
  ...fileRows,
]);

function byOpcode(rows: readonly Operation[]): (Operation | undefined)[] {
  const out = new Array<Operation | undefined>(OPCODE_LIMIT).fill(undefined);
  // All of one shape, since each request reads some of their fields.
  for (const { opcode, nodes, gives, decode, call, encode } of rows)
    out[opcode] = { opcode, nodes, gives, decode, call, encode };
  return out;
}

/** Takes back what an answer that nobody gets gave. PRECONDITION: the operation succeeded, and its reply was not reset. */
export function takeBack({ gives }: Operation, x: Exchange): void {
  const { fs, header, records } = x;
  const { entry, opened } = records;
  switch (gives) {
    case 'nothing':
      break;
    case 'node or none':
      if (records.found) fs.forget(entry.nodeId, 1);
      break;
    case 'node':
      fs.forget(entry.nodeId, 1);
      break;
    case 'node and handle':
      fs.release(entry.nodeId, opened.handle);
      fs.forget(entry.nodeId, 1);
      break;
    case 'handle':
      fs.release(header.nodeId, opened.handle);
      break;
    case 'nodes':
      takeBackListed(x);
  }
}

/** Each fuse_direntplus holds an entry, whose node comes first, and a name of `namelen` bytes, padded to 8. */
function takeBackListed({ fs, reply: { view, length } }: Exchange): void {
  let at = REPLY_BODY;
  while (at + SIZEOF_ENTRY_OUT + SIZEOF_DIRENT <= length) {
    const node = readNode(view, at);
    if (node !== NO_NODE) fs.forget(node, 1);
    const nameLength = view.getUint32(at + SIZEOF_ENTRY_OUT + 16, true);
    at += (SIZEOF_ENTRY_OUT + SIZEOF_DIRENT + nameLength + 7) & ~7;
  }
}
