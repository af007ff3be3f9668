/**
 * Whether a file of a layer is program code: what is executed, or mapped by the dynamic linker.
 *
 * The kernel reads a layer's copy of such files alone by itself: all mounts then share one page cache of it. They are
 * replaced, not written in place; whoever does so all the same gets a node of his own (copy-up.ts:splitReaders()). The
 * first bytes are read only of what looks like code by its mode or name.
 */

import { check } from '../../errno/fs-error.js';
import { S_IFMT, S_IFREG } from '../../linux/constants.js';
import { pread } from '../../linux/files/data.js';
import type { UnionNode } from './node.js';
import type { UnionState } from './union-state.js';

const EXECUTABLE_BITS = 0o111;
/** Shared objects need no mode to be mapped: `libc.so.6`, `_ssl.cpython-311-x86_64-linux-gnu.so`, addons of Node. */
const SHARED_OBJECT = /\.(?:so(?:\.[\w.+-]*)?|node)$/;

/** 0x7f, 'E', 'L', 'F', little-endian. */
const ELF_MAGIC = 0x464c457f;
const start = Buffer.alloc(4);

/** PRECONDITION: the data of the node lies in a lower. */
export function isProgramCode(state: UnionState, node: UnionNode): boolean {
  node.isProgram ??= looksLikeProgram(node) && startsAsElf(state, node);
  return node.isProgram;
}

function looksLikeProgram(node: UnionNode): boolean {
  if ((node.mode & S_IFMT) !== S_IFREG) return false;
  return (node.mode & EXECUTABLE_BITS) !== 0 || SHARED_OBJECT.test(node.name);
}

function startsAsElf(state: UnionState, node: UnionNode): boolean {
  const length = check(pread(state.files.readDescriptor(node), start, 0), 'read', node.name);
  if (length !== start.length || start.readUInt32LE(0) !== ELF_MAGIC) return false;
  // That of anything else is left for the reads that follow.
  state.files.closeReader(node);
  return true;
}
