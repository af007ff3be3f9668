/**
 * Which requests the session loop leaves to the thread of a remote storage, and what becomes of those that wait.
 *
 * A request goes where its node is served; a LOOKUP where the name leads, over a mount point; a request on two nodes to
 * the thread that serves both, else it stays in the loop, which answers EXDEV. One whose caller is about to end is
 * answered EINTR and one that waits longer than `timeout=` EIO, here, whatever the thread does. What shows of the root of a mount is
 * answered from memory while the storage hangs, so that a listing of the directory that it is mounted in does not.
 */

import { EINTR, EIO, ENODATA, EOPNOTSUPP } from '../../errno/errno.js';
import { FsError } from '../../errno/fs-error.js';
import { FUSE_UNIQUE_RESEND_HIGH } from '../../fuse/abi/abi-flags.js';
import * as op from '../../fuse/abi/abi-opcodes.js';
import { encodeAttr, encodeEntry, encodeStatx } from '../../fuse/messages/encode-entry.js';
import { fateOf } from '../../linux/process/caller-fate.js';
import { type NodeId, nodeLocal, ROOT_NODE } from '../../vfs/node-id.js';
import type { Exchange, Operation } from '../operations/operation.js';
import { operations } from '../operations/operation-table.js';
import { type Pending, type RemoteStorage, STALL_MS } from './remote-storage.js';

export interface RemoteOwner {
  readonly storage: RemoteStorage;
  /** Infinity: wait for ever. */
  readonly timeoutMs: number;
}

/** Where the nodes of a mount are served; what is undefined is served in the loop. */
interface RemoteOwners {
  of(node: NodeId): RemoteOwner | undefined;
  /** The owner of what a name leads to. */
  at(parent: NodeId, name: string): RemoteOwner | undefined;
  /** The root directory that is mounted at the name; undefined for all other names. */
  rootAt(parent: NodeId, name: string): NodeId | undefined;
}

/** The loop: fills its reply, and sends it to a request that is not the one it has in hand. */
export interface RoutedLoop extends Exchange {
  answer(unique: { readonly low: number; readonly high: number }, result: number): void;
}

/** How long an interrupted request of a caller that cannot be seen from here still may be answered by the storage. */
const UNSEEN_GRACE_MS = 250;

/**
 * Reads and writes of the kernel's own that may wait for one storage: the kernel lets 64 wait in all (fuse/negotiate.ts), and
 * those of other storage must find room.
 */
const MOST_WAITING_TRANSFERS = 40;

/** How long a process that was killed may wait for us, as for what is parked (kernel/parked-requests.ts). */
const CHECK_MS = 50;

/**
 * What `ls -l` asks of a mount point beside LOOKUP, and what is said while the storage hangs: 0 is the attributes, else an
 * errno. The mode stands in for an ACL then, of a directory in which nothing can be opened.
 */
const asksAbout: ReadonlyMap<number, number> = new Map([
  [op.FUSE_GETATTR, 0],
  [op.FUSE_STATX, 0],
  [op.FUSE_GETXATTR, ENODATA],
  [op.FUSE_LISTXATTR, EOPNOTSUPP],
]);

export class RemoteRouter {
  readonly storages: RemoteStorage[] = [];
  /** Told of each request that was given up because its storage did not answer in time. */
  onLate: (request: Pick<Pending, 'opcode' | 'nodeId' | 'taskId'>) => void = () => undefined;
  readonly #places: RemoteOwners;
  #loop: RoutedLoop | undefined;

  constructor(places: RemoteOwners) {
    this.#places = places;
  }

  attach(loop: RoutedLoop): void {
    this.#loop = loop;
  }

  /** Whether a thread has a request that it may answer at any time. */
  get isWaiting(): boolean {
    return this.storages.some((storage) => storage.waiting().length > 0);
  }

  /** @returns false when the request is the loop's own. */
  take(x: RoutedLoop): boolean {
    const { header, request } = x;
    const { opcode } = header;
    const operation = operations[opcode];
    // FORGETs reach the threads through the file system (mounts/remote/remote-stand-in.ts).
    if (operation === undefined || operation.nodes === 'none') return false;
    const place = this.#ownerOf(operation, x);
    if (place === undefined) return false;
    const { storage, timeoutMs } = place;
    const unique = { low: header.uniqueLow, high: header.uniqueHigh };
    if (opcode === op.FUSE_RELEASE) {
      // Nobody waits for it, but the kernel counts it among its requests until it is answered.
      x.answer(unique, 0);
      storage.forwardAnswered(request, header);
      return true;
    }
    const nowMs = performance.now();
    const root = this.#knownRoot(x, storage);
    const stalledMs = storage.stalledMs(nowMs);
    if (root !== undefined && stalledMs > STALL_MS) {
      this.#answerRoot(storage, { opcode, root, unique });
      return true;
    }
    const isTransfer = opcode === op.FUSE_READ || opcode === op.FUSE_WRITE;
    const isTooMuch =
      isTransfer && stalledMs > STALL_MS && storage.waiting().length >= MOST_WAITING_TRANSFERS;
    const pending: Omit<Pending, 'slot'> = {
      uniqueLow: unique.low,
      uniqueHigh: unique.high,
      opcode,
      nodeId: header.nodeId,
      startedMs: nowMs,
      timeoutAtMs: nowMs + timeoutMs,
      root,
      taskId: header.pid,
      interruptedAtMs: Number.POSITIVE_INFINITY,
      checkAtMs: Number.POSITIVE_INFINITY,
    };
    if (isTooMuch || !storage.forward(request, pending, header)) x.answer(unique, -EIO);
    return true;
  }

  /** @returns whether the request is one that waits here; it is answered EINTR when its caller is about to end. */
  interrupt(low: number, high: number): boolean {
    const nowMs = performance.now();
    for (const storage of this.storages) {
      const found = storage
        .waiting()
        .find((one) => one.uniqueLow === low && ((one.uniqueHigh ^ high) & ~FUSE_UNIQUE_RESEND_HIGH) === 0);
      if (found === undefined) continue;
      found.interruptedAtMs = Math.min(found.interruptedAtMs, nowMs);
      found.checkAtMs = nowMs;
      return true;
    }
    return false;
  }

  /** Answers what has waited too long. @returns how many milliseconds may pass until the next call; -1 for any. */
  settle(): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const storage of this.storages) {
      const waiting = storage.waiting();
      if (waiting.length === 0) continue;
      const nowMs = performance.now();
      for (const pending of waiting) {
        const isLeaving = pending.checkAtMs <= nowMs && this.#isLeaving(pending, nowMs);
        const dueMs = isLeaving ? nowMs : dueAt(pending);
        if (dueMs <= nowMs) this.#giveUp(storage, pending, isLeaving ? 'leaving' : 'late');
        else nextMs = Math.min(nextMs, dueMs - nowMs, pending.checkAtMs - nowMs);
      }
    }
    return nextMs === Number.POSITIVE_INFINITY ? -1 : Math.ceil(nextMs);
  }

  /** Takes what the threads say. */
  drain(): void {
    for (const storage of this.storages) storage.drain();
  }

  /** Ends all threads. @returns false when one hangs: the process can then end by SIGKILL only. */
  stop(limitMs: number): boolean {
    const end = performance.now() + limitMs;
    const stopped = this.storages.map((storage) => storage.stop(Math.max(1, end - performance.now())));
    return stopped.every(Boolean);
  }

  #ownerOf({ nodes, decode }: Operation, x: RoutedLoop): RemoteOwner | undefined {
    const { nodeId } = x.header;
    if (nodes === 'own') return this.#places.of(nodeId);
    try {
      decode(x);
    } catch (error) {
      // Malformed: the loop finds the same, and answers.
      if (error instanceof FsError) return undefined;
      throw error;
    }
    if (typeof nodes !== 'function') return this.#places.at(nodeId, x.records.name.name);
    const [one, other] = nodes(x);
    return this.#common(one, other);
  }

  #common(one: NodeId, other: NodeId): RemoteOwner | undefined {
    const place = this.#places.of(one);
    return place !== undefined && place.storage === this.#places.of(other)?.storage ? place : undefined;
  }

  /** The root that a request asks about, when there is something to say of it. */
  #knownRoot({ header, records }: RoutedLoop, storage: RemoteStorage): NodeId | undefined {
    const { opcode, nodeId } = header;
    let root: NodeId | undefined;
    if (opcode === op.FUSE_LOOKUP) root = this.#places.rootAt(nodeId, records.name.name);
    else if (asksAbout.has(opcode) && nodeLocal(nodeId) === ROOT_NODE) root = nodeId;
    return root !== undefined && storage.rootAttr(root) !== undefined ? root : undefined;
  }

  /** Whether the caller is to be let go of; else sets the time of the next look. */
  #isLeaving(pending: Pending, nowMs: number): boolean {
    const fate = fateOf(pending.taskId);
    pending.checkAtMs = nowMs + CHECK_MS;
    return fate === 'ending' || (fate === 'unknown' && nowMs - pending.interruptedAtMs >= UNSEEN_GRACE_MS);
  }

  #giveUp(storage: RemoteStorage, pending: Pending, why: 'leaving' | 'late'): void {
    if (!storage.giveUp(pending)) return;
    const unique = { low: pending.uniqueLow, high: pending.uniqueHigh };
    const { root, opcode } = pending;
    if (why === 'leaving') this.#loop!.answer(unique, -EINTR);
    else if (root !== undefined) this.#answerRoot(storage, { opcode, root, unique });
    else {
      this.#loop!.answer(unique, -EIO);
      this.onLate(pending);
    }
  }

  #answerRoot(
    storage: RemoteStorage,
    asked: {
      readonly opcode: number;
      readonly root: NodeId;
      readonly unique: { readonly low: number; readonly high: number };
    },
  ): void {
    const loop = this.#loop!;
    const refusal = asksAbout.get(asked.opcode) ?? 0;
    if (refusal !== 0) {
      loop.answer(asked.unique, -refusal);
      return;
    }
    const { entry } = loop.records;
    Object.assign(entry.attr, storage.rootAttr(asked.root));
    if (asked.opcode === op.FUSE_LOOKUP) {
      entry.nodeId = asked.root;
      entry.generation = 0;
      entry.ttlMs = 0;
      encodeEntry(loop.reply, entry);
      storage.send({ kind: 'entered', node: asked.root });
    } else if (asked.opcode === op.FUSE_STATX) encodeStatx(loop.reply, entry.attr);
    else encodeAttr(loop.reply, entry.attr);
    loop.answer(asked.unique, 0);
  }
}

function dueAt(pending: Pending): number {
  const rootAtMs = pending.root === undefined ? Number.POSITIVE_INFINITY : pending.startedMs + STALL_MS;
  return Math.min(pending.timeoutAtMs, rootAtMs);
}
