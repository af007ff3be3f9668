/**
 * The session loop: reads requests from /dev/fuse and answers each before it takes the next.
 *
 * Blocks in poll(2) on the FUSE descriptor and an eventfd, nothing else: a thread blocked in a foreign call cannot be
 * joined. INVARIANT: each request is answered exactly once, or parked in `#parked` until its job is done or its caller
 * about to end, unless the kernel wants no answer; an unknown opcode is ENOSYS, an unknown throw EIO and a line in the log.
 */

import { EAGAIN, EINTR, EIO, ENODEV, ENOENT, ENOSYS, EPROTO } from '../../errno/errno.js';
import { check, FsError } from '../../errno/fs-error.js';
import { FUSE_DEV_IOC_BACKING_CLOSE, FUSE_DEV_IOC_BACKING_OPEN } from '../../fuse/abi.js';
import {
  FUSE_BATCH_FORGET,
  FUSE_FORGET,
  FUSE_INIT,
  FUSE_INTERRUPT,
  OPCODE_LIMIT,
  opcodeName,
} from '../../fuse/abi-opcodes.js';
import { decodeInit, decodeInterrupt } from '../../fuse/decode-misc.js';
import { encodeInit, type Negotiated, negotiate } from '../../fuse/init.js';
import { encodeInvalInode } from '../../fuse/notify.js';
import { finishReply, ReplyBuffer, SMALLEST_REPLY } from '../../fuse/reply.js';
import { decodeHeader, RequestHeader, RequestView } from '../../fuse/request.js';
import { POLLIN } from '../../linux/constants.js';
import { read, writePrefix } from '../../linux/data.js';
import { ioctlBuffer } from '../../linux/ioctl.js';
import { eventfdDrain, PollSet, poll } from '../../linux/poll.js';
import { schedYield } from '../../linux/process.js';
import type { Caller } from '../../vfs/caller.js';
import type { FileSystem, Session } from '../../vfs/file-system.js';
import type { NodeId } from '../../vfs/node-id.js';
import { type Job, type JobSpec, Wait } from '../../vfs/wait.js';
import { Failures } from '../failures.js';
import type { FarLoop, FarRouter } from '../far/far-router.js';
import { IDLE_MS, IdleCollector } from '../idle-collector.js';
import { JobRunner } from '../jobs/job-runner.js';
import { handlers, NO_REPLY } from './dispatch.js';
import { PageStore } from './page-store.js';
import { type ParkedRequest, ParkedRequests } from './parked-requests.js';
import { Records } from './records.js';

/** Largest request: 1 MiB of data behind its headers. */
const REQUEST_BYTES = 1024 * 1024 + 8192;
/** Largest reply: 1 MiB of data behind the header. */
const REPLY_BYTES = 1024 * 1024 + 4096;
/** Requests between two looks at jobs and messages while the kernel keeps us busy. */
const PATIENCE = 128;

/**
 * How often to look for the next request before sleeping, some 0.8 us each with the core offered to others in between:
 * a process that asks again at once finds the thread awake. Warm `tar` of a tree on 2 cores: 0.61 s with 0 turns, 0.36
 * with 64, 0.30 with 200. Looks that find nothing halve the number, so an idle mount costs a few.
 */
const MOST_TURNS = 128;
const LEAST_TURNS = 4;

export interface LoopOptions {
  readonly fs: FileSystem;
  /** /dev/fuse, mounted, O_NONBLOCK. */
  readonly fuseFd: number;
  /** eventfd, non-blocking: written when a message or a finished job waits. */
  readonly wakeFd: number;
  readonly passthrough: boolean;
  /** Takes the requests that threads of far storage answer. */
  readonly far?: FarRouter;
  /** Called when the eventfd was written; returns true to leave the loop. */
  readonly onWake: () => boolean;
  readonly onInit: (features: Negotiated) => void;
  readonly log: (line: string) => void;
  /** One line for each request. */
  readonly debug: boolean;
}

export type EndReason = 'unmounted' | 'stopped';

export class SessionLoop implements Session, FarLoop {
  /** Replaced when the first mount is added to a union that had none. */
  fs: FileSystem;
  readonly request = new RequestView(Buffer.alloc(REQUEST_BYTES));
  readonly header = new RequestHeader();
  readonly reply = new ReplyBuffer(REPLY_BYTES);
  readonly records = new Records();
  setxattrExt = false;
  passthrough = false;
  replaying = false;
  awaited: Job | undefined;

  readonly #options: LoopOptions;
  readonly #jobs: JobRunner;
  readonly #counts = new Float64Array(OPCODE_LIMIT + 1);
  readonly #failures: Failures;
  readonly #far: FarRouter | undefined;
  readonly #parked = new ParkedRequests();
  #turns = MOST_TURNS;
  readonly #collector = new IdleCollector();

  constructor(options: LoopOptions) {
    this.#options = options;
    this.fs = options.fs;
    this.#jobs = new JobRunner(options.wakeFd);
    this.#failures = new Failures(options.log);
    this.#far = options.far;
    this.#far?.attach(this);
  }

  /**
   * Serves until the mount is gone or `onWake` says to stop.
   * @throws FsError when /dev/fuse fails in a way that ends the session.
   */
  run(): EndReason {
    const { fuseFd, wakeFd, onWake } = this.#options;
    const waitSet = new PollSet([fuseFd, wakeFd]);
    this.fs.attach(this);
    let sinceLook = 0;
    try {
      for (;;) {
        const length = read(fuseFd, this.request.bytes);
        if (length > 0) {
          this.request.end = length;
          this.#serve();
          if (++sinceLook < PATIENCE) continue;
          this.#far?.settle();
        } else if (length === -ENODEV) {
          return 'unmounted';
        } else if (length === -EAGAIN) {
          if (!this.#spin(waitSet)) this.#sleep(waitSet);
        } else if (length !== -EINTR && length !== -ENOENT) {
          check(length, 'read', '/dev/fuse');
        }
        sinceLook = 0;
        this.#releaseEnding();
        if (length === -EAGAIN && (waitSet.revents(1) & POLLIN) === 0) continue;
        eventfdDrain(wakeFd);
        this.#far?.drain();
        this.#replayFinished();
        if (onWake()) return 'stopped';
      }
    } finally {
      this.#jobs.stop();
    }
  }

  /** Looks for work a while without sleeping. @returns whether there is some. */
  #spin(waitSet: PollSet): boolean {
    for (let turn = 0; turn < this.#turns; turn++) {
      if (poll(waitSet, 0) > 0) {
        this.#turns = Math.min(MOST_TURNS, this.#turns * 2);
        return true;
      }
      schedYield();
    }
    this.#turns = Math.max(LEAST_TURNS, this.#turns >> 1);
    return false;
  }

  #sleep(waitSet: PollSet): void {
    const dueMs = soonest(this.#far?.settle() ?? -1, this.#parked.dueMs);
    if (!this.#collector.isDue || (dueMs >= 0 && dueMs < IDLE_MS)) poll(waitSet, dueMs);
    else if (poll(waitSet, IDLE_MS) === 0) this.#collector.collect();
  }

  /** Requests so far, by opcode name. */
  counts(): Record<string, number> {
    const out: Record<string, number> = {};
    this.#counts.forEach((count, opcode) => {
      if (count > 0) out[opcodeName(opcode)] = count;
    });
    return out;
  }

  readonly #backing = Buffer.alloc(16);
  readonly #notice = new ReplyBuffer(SMALLEST_REPLY);
  #store: PageStore | undefined;

  openBacking(fd: number): number {
    this.#backing.fill(0);
    this.#backing.writeInt32LE(fd, 0);
    return ioctlBuffer(this.#options.fuseFd, FUSE_DEV_IOC_BACKING_OPEN, this.#backing);
  }

  closeBacking(backingId: number): void {
    this.#backing.writeUInt32LE(backingId, 0);
    ioctlBuffer(this.#options.fuseFd, FUSE_DEV_IOC_BACKING_CLOSE, this.#backing);
  }

  get caller(): Caller {
    return this.records.caller;
  }

  /** Sent by the thread that answers, against the rule: without a page range the kernel waits for no request of ours. */
  invalidateAttributes(node: NodeId): void {
    const length = encodeInvalInode(this.#notice, node, -1, 0);
    writePrefix(this.#options.fuseFd, this.#notice.bytes, length);
  }

  get storeRoom(): Uint8Array {
    this.#store ??= new PageStore(this.#options.fuseFd);
    return this.#store.room;
  }

  storeData(node: NodeId, length: number): boolean {
    return this.#store?.send(node, length) === true;
  }

  startJob(spec: JobSpec): Job {
    return this.#jobs.start(spec);
  }

  #serve(): void {
    const started = this.#options.debug ? process.hrtime.bigint() : 0n;
    const { header, request } = this;
    try {
      decodeHeader(request, header);
    } catch (error) {
      // Without a header there is nothing to answer to.
      this.#failures.log('request', error);
      return;
    }
    const { opcode } = header;
    this.#counts[Math.min(opcode, OPCODE_LIMIT)]!++;
    if (opcode === FUSE_INTERRUPT) {
      this.#interrupt();
      return;
    }
    if (opcode === FUSE_FORGET) this.#collector.note(1);
    // A fuse_forget_one of 16 bytes each.
    else if (opcode === FUSE_BATCH_FORGET) this.#collector.note(header.len >> 4);
    if (this.#far !== undefined && this.#far.storages.length > 0 && this.#far.take(this)) return;
    const result = opcode === FUSE_INIT ? this.#init() : this.#dispatch();
    if (result === undefined) return;
    if (result !== NO_REPLY) this.#send(result);
    if (this.#options.debug) this.#trace(result, started);
  }

  /** @returns 0 or a negated errno to answer, NO_REPLY, or undefined when the request was parked. */
  #dispatch(replayed?: ParkedRequest): number | undefined {
    const { header, records } = this;
    const handler = handlers[header.opcode];
    if (handler === undefined) return -ENOSYS;
    records.caller.uid = header.uid;
    records.caller.gid = header.gid;
    records.caller.pid = header.pid;
    try {
      return handler(this);
    } catch (error) {
      return this.#outcomeOf(error, replayed);
    }
  }

  /** As `#dispatch()`, of a handler that threw. */
  #outcomeOf(error: unknown, replayed: ParkedRequest | undefined): number | undefined {
    const { opcode } = this.header;
    this.reply.reset();
    if (error instanceof Wait) {
      if (replayed === undefined) this.#parked.park(error.job, this.request, this.header);
      else this.#parked.parkAgain(replayed, error.job);
      return undefined;
    }
    const errno = this.#failures.errnoOf(opcodeName(opcode), error);
    return opcode === FUSE_FORGET || opcode === FUSE_BATCH_FORGET ? NO_REPLY : -errno;
  }

  #send(result: number): void {
    const length = finishReply(this.reply, this.header, result);
    const written = writePrefix(this.#options.fuseFd, this.reply.bytes, length);
    // ENOENT: the kernel gave the request up (abort); ENODEV: the mount is gone, which the next read tells.
    if (written < 0 && written !== -ENOENT && written !== -ENODEV) {
      this.#options.log(`reply to ${opcodeName(this.header.opcode)} refused: errno ${-written}`);
      writePrefix(this.#options.fuseFd, this.reply.bytes, finishReply(this.reply, this.header, -EIO));
    }
  }

  #init(): number {
    try {
      decodeInit(this.request, this.records.init);
      const wish = { passthrough: this.#options.passthrough, maxStackDepth: 1, writeback: false };
      const out = negotiate(this.records.init, wish);
      this.passthrough = out.features.passthrough;
      this.setxattrExt = out.features.setxattrExt;
      encodeInit(this.reply, out);
      this.#options.onInit(out.features);
      return 0;
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
      this.#options.log(error.message);
      return -EPROTO;
    }
  }

  #replayFinished(): void {
    if (!this.#jobs.collect()) return;
    for (const parked of this.#parked.takeReady()) {
      const { bytes } = parked;
      bytes.copy(this.request.bytes);
      this.request.end = bytes.length;
      decodeHeader(this.request, this.header);
      this.replaying = true;
      this.awaited = parked.job;
      const result = this.#dispatch(parked);
      this.replaying = false;
      this.awaited = undefined;
      if (result !== undefined && result !== NO_REPLY) this.#send(result);
    }
  }

  /** Lets callers go that are about to end; their jobs go on. */
  #releaseEnding(): void {
    for (const { uniqueLow: low, uniqueHigh: high } of this.#parked.takeEnding())
      this.answer({ low, high }, -EINTR);
  }

  /** Notes it for a request that waits; any other was answered before this one was read. */
  #interrupt(): void {
    const { interrupt } = this.records;
    try {
      decodeInterrupt(this.request, interrupt);
    } catch (error) {
      // An INTERRUPT is not answered.
      this.#failures.log('INTERRUPT', error);
      return;
    }
    const { uniqueLow, uniqueHigh } = interrupt;
    if (this.#far?.interrupt(uniqueLow, uniqueHigh) !== true) this.#parked.interrupt(uniqueLow, uniqueHigh);
  }

  answer(unique: { readonly low: number; readonly high: number }, result: number): void {
    this.header.uniqueLow = unique.low;
    this.header.uniqueHigh = unique.high;
    this.#send(result);
  }

  #trace(result: number, started: bigint): void {
    const { header } = this;
    const us = Number(process.hrtime.bigint() - started) / 1000;
    const unique = header.uniqueHigh * 2 ** 32 + header.uniqueLow;
    const outcome = result < 0 ? `errno ${-result}` : 'ok';
    this.#options.log(
      `${opcodeName(header.opcode)} unique=${unique} node=${header.nodeId} uid=${header.uid} pid=${header.pid}: ${outcome}, ${us.toFixed(1)} us`,
    );
  }
}

/** The smaller of two times to wait; -1 is for ever. */
function soonest(oneMs: number, otherMs: number): number {
  return oneMs < 0 || otherMs < 0 ? Math.max(oneMs, otherMs) : Math.min(oneMs, otherMs);
}
