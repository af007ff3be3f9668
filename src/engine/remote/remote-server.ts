/**
 * The loop of the thread that serves a remote storage: takes whole requests from the session loop, calls the file system,
 * writes the replies to /dev/fuse itself. It may hang in any call; nothing but its storage waits for it then.
 *
 * INVARIANT: a request is worked on only while nobody has given it up, and answered only by who wins its slot
 * (remote-slots.ts). What a reply that nobody gets would have given the kernel (references, an open) is taken back.
 */

import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { EIO, ENODEV, ENOENT, EOPNOTSUPP } from '../../errno/errno.js';
import { FsError } from '../../errno/fs-error.js';
import * as op from '../../fuse/abi/abi-opcodes.js';
import { finishReply, ReplyBuffer } from '../../fuse/messages/reply.js';
import { decodeRequestHeader, RequestHeader, RequestView } from '../../fuse/messages/request.js';
import { encodePrune } from '../../fuse/notify.js';
import { writePrefix } from '../../linux/files/data.js';
import { eventfdWrite } from '../../linux/io/poll.js';
import { Attr, Entry } from '../../vfs/attr.js';
import type { Caller } from '../../vfs/caller.js';
import type { FileSystem, Session } from '../../vfs/file-system.js';
import { type NodeId, nodeLocal, nodeOwner, ROOT_NODE } from '../../vfs/node-id.js';
import { MOST_PRUNED } from '../../vfs/node-limit.js';
import { type Job, type JobSpec, Wait } from '../../vfs/wait.js';
import { Failures } from '../failures.js';
import { IDLE_MS, IdleCollector } from '../idle-collector.js';
import { perform } from '../jobs/job-work.js';
import { describeRequest } from '../operations/describe-request.js';
import { type Exchange, NO_REPLY, performOperation as performRequest } from '../operations/operation.js';
import { operations, takeBack } from '../operations/operation-table.js';
import { Records } from '../operations/session-records.js';
import {
  ANSWER_BELL,
  ANSWERED,
  REMOTE_DOORBELL,
  REMOTE_FREE,
  REMOTE_QUEUED,
  REMOTE_RUNNING,
  ring,
  slotWord,
} from './remote-slots.js';
import {
  type FromRemote,
  NO_SLOT,
  type RemoteAnswer,
  type RemoteCall,
  type ToRemote,
} from './request-messages.js';

const REPLY_BYTES = 1024 * 1024 + 4096;

interface RemoteServerOptions {
  readonly fs: FileSystem;
  readonly port: MessagePort;
  readonly words: Int32Array;
  /** eventfd of the session loop. */
  readonly wakeFd: number;
  readonly onOrder: (order: unknown) => void;
  /** The kernel has one reference more of the root of a mount. */
  readonly onEntered: (node: NodeId) => void;
}

export class RemoteServer implements Exchange, Session {
  readonly fs: FileSystem;
  request = new RequestView(Buffer.alloc(0));
  readonly header = new RequestHeader();
  readonly reply = new ReplyBuffer(REPLY_BYTES);
  readonly records = new Records();
  readonly passthrough = false;
  setxattrExt = false;
  replaying = false;
  awaited: Job | undefined;
  readonly #options: RemoteServerOptions;
  readonly #failures: Failures;
  readonly #roots = new Map<NodeId, Attr>();
  readonly #entry = new Entry();
  readonly #collector = new IdleCollector();
  #fuseFd = -1;
  #prune: ReplyBuffer | undefined;

  constructor(options: RemoteServerOptions) {
    this.#options = options;
    this.fs = options.fs;
    this.#failures = new Failures((line) => this.post({ kind: 'log', line }));
  }

  /** Serves until told to stop. */
  run(): void {
    const { port, words } = this.#options;
    this.fs.attach(this);
    for (;;) {
      const bell = Atomics.load(words, REMOTE_DOORBELL);
      const message = receiveMessageOnPort(port)?.message as ToRemote | undefined;
      if (message === undefined) this.#sleep(bell);
      else if (message.kind === 'stop') break;
      else this.#takeSafely(message);
    }
    this.fs.detach();
    this.post({ kind: 'stopped' });
  }

  #sleep(bell: number): void {
    const { words } = this.#options;
    const limitMs = this.#collector.isDue ? IDLE_MS : Number.POSITIVE_INFINITY;
    if (Atomics.wait(words, REMOTE_DOORBELL, bell, limitMs) === 'timed-out') this.#collector.collect();
  }

  post(message: FromRemote): void {
    const { port, words, wakeFd } = this.#options;
    port.postMessage(message);
    ring(words, ANSWER_BELL);
    eventfdWrite(wakeFd);
  }

  /** The caller whose request is served. */
  get caller(): Caller {
    return this.records.caller;
  }

  openBacking(): number {
    return -EOPNOTSUPP;
  }

  closeBacking(): void {
    // None was opened: a file that the kernel reads itself could hang its reader for good.
  }

  pruneNodes(nodes: readonly NodeId[]): boolean {
    this.#prune ??= new ReplyBuffer(64 + MOST_PRUNED * 8);
    return writePrefix(this.#fuseFd, this.#prune.bytes, encodePrune(this.#prune, nodes)) >= 0;
  }

  readonly storeRoom = undefined;

  storeData(): boolean {
    return false;
  }

  invalidateAttributes(): void {
    // Nothing here is kept by the kernel.
  }

  invalidateListing(): void {
    // The same.
  }

  /** Done here: the thread waits for its storage one way or the other. */
  startJob(spec: JobSpec): Job {
    return { spec, done: true, result: spec.kind === 'probe' ? 0 : perform(spec) };
  }

  /** What is no request has nobody to be told of a failure; requests are answered whatever happens. */
  #takeSafely(message: Exclude<ToRemote, { kind: 'stop' }>): void {
    try {
      this.#take(message);
    } catch (error) {
      this.#failures.log(`remote storage, ${message.kind}`, error);
    }
  }

  #take(message: Exclude<ToRemote, { kind: 'stop' }>): void {
    switch (message.kind) {
      case 'request':
        this.#serve(message.slot, message.bytes);
        break;
      case 'forget':
        this.fs.forget(message.node, message.count);
        this.#collector.note(1);
        break;
      case 'entered':
        this.#options.onEntered(message.node);
        break;
      case 'serve':
        this.#fuseFd = message.fuseFd;
        this.setxattrExt = message.setxattrExt;
        break;
      case 'call':
        this.post({ kind: 'answer', id: message.id, answer: this.#answer(message.call) });
        break;
      case 'order':
        this.#options.onOrder(message.order);
    }
  }

  #serve(slot: number, bytes: Uint8Array): void {
    const { words } = this.#options;
    if (slot !== NO_SLOT && !this.#changeSlot(slot, REMOTE_QUEUED, REMOTE_RUNNING)) {
      Atomics.store(words, slotWord(slot), REMOTE_FREE);
      return;
    }
    this.request = new RequestView(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    this.request.end = bytes.byteLength;
    decodeRequestHeader(this.request, this.header);
    const result = this.#dispatch();
    if (slot === NO_SLOT) {
      this.reply.reset();
      return;
    }
    if (result === 0) this.#noteRoot();
    if (this.#changeSlot(slot, REMOTE_RUNNING, ANSWERED)) this.#send(result);
    else if (result === 0) takeBack(operations[this.header.opcode]!, this);
    this.reply.reset();
    Atomics.store(words, slotWord(slot), REMOTE_FREE);
  }

  #changeSlot(slot: number, from: number, to: number): boolean {
    return Atomics.compareExchange(this.#options.words, slotWord(slot), from, to) === from;
  }

  /** @returns 0 or a negated errno. */
  #dispatch(): number {
    const { header, records } = this;
    records.caller.uid = header.uid;
    records.caller.gid = header.gid;
    records.caller.pid = header.pid;
    this.replaying = false;
    this.awaited = undefined;
    for (;;) {
      try {
        const result = performRequest(operations[header.opcode]!, this);
        return result === NO_REPLY ? 0 : result;
      } catch (error) {
        this.reply.reset();
        if (error instanceof FsError) return -error.errno;
        if (!(error instanceof Wait)) return -this.#failures.errnoOf(describeRequest(header, records), error);
        this.replaying = true;
        this.awaited = error.job;
        this.request.end = this.header.len;
        decodeRequestHeader(this.request, this.header);
      }
    }
  }

  #send(result: number): void {
    const length = finishReply(this.reply, this.header, result);
    const written = writePrefix(this.#fuseFd, this.reply.bytes, length);
    if (written >= 0 || written === -ENOENT || written === -ENODEV) return;
    this.post({
      kind: 'log',
      line: `reply to ${op.opcodeName(this.header.opcode)} refused: errno ${-written}`,
    });
    writePrefix(this.#fuseFd, this.reply.bytes, finishReply(this.reply, this.header, -EIO));
  }

  /** Tells the loop what the root of a mount shows now, for the time when we cannot. */
  #noteRoot(): void {
    const { header, records } = this;
    const { opcode, nodeId } = header;
    if (opcode === op.FUSE_LOOKUP) this.#tellRoot(records.entry.nodeId, records.entry.attr);
    else if (opcode === op.FUSE_GETATTR || opcode === op.FUSE_SETATTR) this.#tellRoot(nodeId, records.attr);
  }

  #tellRoot(node: NodeId, attr: Attr): void {
    if (nodeLocal(node) !== ROOT_NODE || nodeOwner(node) === 0) return;
    const known = this.#roots.get(node);
    if (known !== undefined && isSame(known, attr)) return;
    const copy = Object.assign(new Attr(), attr);
    this.#roots.set(node, copy);
    this.post({ kind: 'root', node, attr: copy });
  }

  #answer(call: RemoteCall): RemoteAnswer {
    try {
      if (call.name === 'readlink') return { content: this.fs.readlink(call.node) };
      const entry = this.#entry;
      if (!this.fs.lookup(call.parent, call.child, entry)) return { found: false };
      return { found: true, node: entry.nodeId, ino: entry.attr.ino, mode: entry.attr.mode };
    } catch (error) {
      if (error instanceof FsError) return { errno: error.errno };
      throw error;
    }
  }
}

function isSame(one: Attr, other: Attr): boolean {
  return (
    one.ctimeSec === other.ctimeSec &&
    one.ctimeNsec === other.ctimeNsec &&
    one.mtimeSec === other.mtimeSec &&
    one.mtimeNsec === other.mtimeNsec &&
    one.mode === other.mode &&
    one.uid === other.uid &&
    one.gid === other.gid &&
    one.nlink === other.nlink &&
    one.sizeBytes === other.sizeBytes
  );
}
