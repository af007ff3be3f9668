/**
 * What a session keeps for a process that takes it over when this one dies, and how it goes on with what such a process has left:
 * records in shared memory (vfs/node-records.ts, engine/kernel/request-record.ts), descriptors in the store of the mount.
 *
 * INVARIANT: the records of the process before stay in the store until those of this one are whole.
 */

import {
  type InterruptedRequest,
  type LeftSession,
  lastRename,
  REQUEST_RECORD_BYTES,
  RequestRecord,
} from '../../../engine/kernel/request-record.js';
import { check } from '../../../errno/fs-error.js';
import { UserError } from '../../../errno/user-error.js';
import { FUSE_LINK, FUSE_RENAME, FUSE_RENAME2, FUSE_UNLINK } from '../../../fuse/abi/abi-opcodes.js';
import {
  decodeLink,
  decodeRename,
  decodeRename2,
  LinkIn,
  RenameIn,
} from '../../../fuse/messages/decode-name.js';
import { decodeRequestHeader, RequestHeader, RequestView } from '../../../fuse/messages/request.js';
import type { Negotiated } from '../../../fuse/negotiate.js';
import { FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE } from '../../../linux/constants.js';
import { fallocate } from '../../../linux/files/data.js';
import { ftruncate } from '../../../linux/files/inode.js';
import { close } from '../../../linux/files/open.js';
import { createSharedMemory, mapSharedMemory } from '../../../linux/files/shared-memory.js';
import { DescriptorStore } from '../../../linux/io/descriptor-store.js';
import type { NamePlace, UnsureNodes } from '../../../realfs/node-keeper.js';
import { displayName, type Name } from '../../../vfs/name.js';
import type { NodeId } from '../../../vfs/node-id.js';
import { NODE_RECORDS_BYTES, NodeRecords } from '../../../vfs/node-records.js';
import { version } from '../../config/plyfs-version.js';
import type { KeptDescriptors, LeftDescriptors } from '../../messages/worker-messages.js';
import type { ServedTree } from '../served-tree.js';
import { readLeftMounts } from './kept-mounts.js';

const BYTES = REQUEST_RECORD_BYTES + NODE_RECORDS_BYTES;
/** Names of those not found that the log has. */
const SOME = 5;
export const RECORDS_LABEL = 'records ';

export class KeptSession {
  readonly record: RequestRecord;
  /** What the process before was at; undefined for a session of this one. */
  readonly left: LeftSession | undefined;
  readonly #store: DescriptorStore;
  readonly #tree: ServedTree;
  readonly #fd: number;

  /** @throws UserError, FsError when what was left cannot be gone on with. */
  constructor(tree: ServedTree, { inward, outward, left }: KeptDescriptors, log: (line: string) => void) {
    this.#tree = tree;
    this.#store = new DescriptorStore(inward, outward);
    this.left = left && resumed(tree, left, log);
    const fd = check(createSharedMemory('plyfs records', BYTES), 'memfd_create');
    const memory = mapped(fd);
    this.record = new RequestRecord(memory.subarray(0, REQUEST_RECORD_BYTES));
    const nodes = new NodeRecords(memory.subarray(REQUEST_RECORD_BYTES), (from, bytes) =>
      punch(fd, REQUEST_RECORD_BYTES + from, bytes),
    );
    tree.keep({ records: nodes, store: this.#store, before: left, log });
    if (this.left !== undefined) this.record.start(this.left.features, version(), this.left.interrupted);
    this.#fd = fd;
    const generation = left === undefined ? 1 : left.generation + 1;
    check(this.#store.put(`${RECORDS_LABEL}${generation}`, fd), 'sendmsg');
    if (left === undefined) return;
    this.#store.retain((label) => label !== `${RECORDS_LABEL}${left.generation}`);
    giveBack(left.recordsFd);
  }

  /** The kernel has agreed to it. */
  start(features: Negotiated): void {
    if (this.left === undefined) this.record.start(features, version());
  }

  /** Nobody is to take it over: frees the disks that are held for that. */
  end(): void {
    this.#store.empty();
    this.#tree.keepNoLonger();
    giveBack(this.#fd);
  }
}

/** It stays mapped, but takes no memory any more. */
function giveBack(fd: number): void {
  punch(fd, 0, BYTES);
  close(fd);
}

function punch(fd: number, from: number, bytes: number): void {
  check(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from, bytes), 'fallocate');
}

function mapped(fd: number): Buffer {
  const memory = mapSharedMemory(fd, BYTES);
  return typeof memory === 'number' ? Buffer.alloc(check(memory, 'mmap')) : memory;
}

function resumed(tree: ServedTree, left: LeftDescriptors, log: (line: string) => void): LeftSession {
  // Records of an older form are shorter.
  check(ftruncate(left.recordsFd, BYTES), 'ftruncate');
  const memory = mapped(left.recordsFd);
  const record = new RequestRecord(memory.subarray(0, REQUEST_RECORD_BYTES));
  const nodes = new NodeRecords(memory.subarray(REQUEST_RECORD_BYTES));
  if (!record.isKnown) {
    const by = record.by === undefined ? 'another version of plyfs' : `plyfs ${record.by}`;
    throw new UserError(
      `cannot take the mount over: ${by} served it, whose records plyfs ${version()} cannot read`,
    );
  }
  if (nodes.isFull) throw new UserError('cannot take the mount over: more names were known than can be kept');
  const interrupted = record.interrupted();
  const last = lastRename(interrupted);
  const rename = last && renameOf(last);
  const began = performance.now();
  const { orphans, mountsFd, sources } = left;
  const mounts = mountsFd === undefined ? undefined : readLeftMounts(mountsFd);
  const unsure = unsureNodes(interrupted, last);
  const restored = tree.restore({ records: nodes.read(), orphans, rename, unsure, mounts, sources });
  if (mountsFd !== undefined) close(mountsFd);
  const ms = Math.round(performance.now() - began);
  log(`took over: ${restored.nodes} names found in ${ms} ms${lostText(restored.lost)}`);
  return { features: record.features, interrupted, wasExchanged: restored.renamed };
}

function lostText(names: readonly Name[]): string {
  if (names.length === 0) return '';
  const some = names.slice(0, SOME).map((name) => `'${displayName(name)}'`);
  return `, ${names.length} not: ${some.join(', ')}${names.length > SOME ? ' ...' : ''}`;
}

/** What requests may have changed on disk, and not in the records. @param rename the one whose ends are looked at. */
function unsureNodes(
  interrupted: readonly InterruptedRequest[],
  rename: InterruptedRequest | undefined,
): UnsureNodes {
  const nodes = new Set<NodeId>();
  const directories = new Set<NodeId>();
  for (const one of interrupted) {
    const { opcode } = one;
    nodes.add(one.node as NodeId);
    const takesName = opcode === FUSE_UNLINK || opcode === FUSE_RENAME || opcode === FUSE_RENAME2;
    if (takesName && one !== rename) directories.add(one.node as NodeId);
    if (opcode === FUSE_RENAME2 || opcode === FUSE_RENAME) {
      for (const { parent } of one === rename || one.bytes.length === 0 ? [] : renameOf(one))
        directories.add(parent);
    } else if (opcode === FUSE_LINK && one.bytes.length > 0) nodes.add(linkedNode(one));
  }
  return { nodes, directories };
}

function linkedNode({ bytes }: InterruptedRequest): NodeId {
  const link = new LinkIn();
  decodeLink(requestOf(bytes), link);
  return link.node;
}

function requestOf(bytes: Buffer): RequestView {
  const request = new RequestView(bytes);
  request.end = bytes.length;
  return request;
}

/** The two ends of a rename. */
function renameOf({ opcode, bytes }: InterruptedRequest): readonly [NamePlace, NamePlace] {
  const request = requestOf(bytes);
  const header = new RequestHeader();
  decodeRequestHeader(request, header);
  const rename = new RenameIn();
  if (opcode === FUSE_RENAME) decodeRename(request, rename);
  else decodeRename2(request, rename);
  return [
    { parent: header.nodeId, name: rename.oldName },
    { parent: rename.parent, name: rename.name },
  ];
}
