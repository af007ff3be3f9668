/**
 * One session: reads requests from /dev/fuse and answers each before it takes the next. serving-loop.ts gives it its turns.
 *
 * INVARIANT: each request is answered exactly once, or parked in `#parked` until its job is done or its caller
 * about to end, unless the kernel wants no answer; an unknown opcode is ENOSYS, an unknown throw EIO and a line in the log.
 */

import { EAGAIN, ECONNABORTED, EINTR, EIO, ENODEV, ENOENT, ENOSYS, EPROTO } from '../../errno/errno.js';
import { check, FsError } from '../../errno/fs-error.js';
import { FUSE_UNIQUE_RESEND_HIGH } from '../../fuse/abi/abi-flags.js';
import {
  FUSE_BATCH_FORGET,
  FUSE_FORGET,
  FUSE_INIT,
  FUSE_INTERRUPT,
  OPCODE_LIMIT,
  opcodeName,
} from '../../fuse/abi/abi-opcodes.js';
import { decodeInit, decodeInterrupt } from '../../fuse/messages/decode-misc.js';
import { finishReply, ReplyBuffer, SMALLEST_REPLY } from '../../fuse/messages/reply.js';
import { decodeRequestHeader, type RequestHeader, type RequestView } from '../../fuse/messages/request.js';
import { encodeInit, type Negotiated, negotiate } from '../../fuse/negotiate.js';
import { encodeInvalInode, encodePrune, encodeResend } from '../../fuse/notify.js';
import { read, writePrefix } from '../../linux/files/data.js';
import { eventfdWrite } from '../../linux/io/poll.js';
import type { Caller } from '../../vfs/caller.js';
import type { FileSystem, Session } from '../../vfs/file-system.js';
import type { NodeId } from '../../vfs/node-id.js';
import { MOST_PRUNED } from '../../vfs/node-limit.js';
import { type Job, type JobSpec, Wait } from '../../vfs/wait.js';
import { Failures } from '../failures.js';
import type { IdleCollector } from '../idle-collector.js';
import { JobRunner } from '../jobs/job-runner.js';
import { describeRequest } from '../operations/describe-request.js';
import { NO_REPLY, performOperation } from '../operations/operation.js';
import { operations } from '../operations/operation-table.js';
import { repeatOperation } from '../operations/repeat-operation.js';
import type { Records } from '../operations/session-records.js';
import type { RemoteRouter, RoutedLoop } from '../remote/remote-router.js';
import { BackingFiles } from './backing-files.js';
import type { Burst } from './burst.js';
import { LoopBuffers } from './loop-buffers.js';
import { PageStore } from './page-store.js';
import { CHECK_MS, type ParkedRequest, ParkedRequests } from './parked-requests.js';
import { isSameRequest, type LeftSession, lastRename, type RequestRecord } from './request-record.js';
import { type RequestObserver, RequestWatch } from './request-watch.js';
import { soonest } from './soonest.js';

/** Room for the nodes of one notification: vfs/node-limit.ts. */
const PRUNE_BYTES = 64 + MOST_PRUNED * 8;

export interface LoopOptions {
  readonly fs: FileSystem;
  /** /dev/fuse, mounted, O_NONBLOCK. */
  readonly fuseFd: number;
  /** eventfd, non-blocking: written when a message or a finished job waits. */
  readonly wakeFd: number;
  readonly passthrough: boolean;
  /** Takes the requests that threads of remote storage answer. */
  readonly remote?: RemoteRouter | undefined;
  /** The buffers of the thread; a session that is alone has its own. */
  readonly buffers?: LoopBuffers | undefined;
  readonly onInit: (features: Negotiated) => void;
  readonly log: (line: string) => void;
  /** Keeps a CPU awake while requests come close together. */
  readonly burst?: Burst | undefined;
  /** One line for each request. */
  readonly debug: boolean;
  /** Told of requests that fail for want of something, or take long. */
  readonly observer?: RequestObserver | undefined;
  readonly record?: RequestRecord | undefined;
  /** No kernel is behind `fuseFd`: see backing-files.ts. */
  readonly isRehearsal?: boolean;
}

/** Deaths at one request before it is refused. */
const MOST_DEATHS = 2;

/** The mount is gone, and its number maybe another's; or it stands, and its connection was aborted (/sys/fs/fuse/connections). */
export type LoopEnd = 'unmounted' | 'aborted';

/** After a turn: nothing is left to read, or there may be more. */
type TurnEnd = 'idle' | 'more' | LoopEnd;

export class SessionLoop implements Session, RoutedLoop {
  /** Replaced when the first mount is added to a union that had none. */
  fs: FileSystem;
  readonly request: RequestView;
  readonly header: RequestHeader;
  readonly reply: ReplyBuffer;
  readonly records: Records;
  readonly collector: IdleCollector;
  setxattrExt = false;
  passthrough = false;
  replaying = false;
  awaited: Job | undefined;
  /** Kept for a process that takes the session over. */
  record: RequestRecord | undefined;
  /** With the kernel; undefined before. */
  agreed: Negotiated | undefined;

  readonly #options: LoopOptions;
  readonly #jobs: JobRunner;
  readonly #counts = new Float64Array(OPCODE_LIMIT + 1);
  readonly #failures: Failures;
  readonly #remote: RemoteRouter | undefined;
  readonly #parked = new ParkedRequests();
  readonly #backings: BackingFiles;
  readonly #watch: RequestWatch;
  /** Whether the kernel sends again what it is asked for. */
  #canResend = false;
  /** Jobs may be done that were not looked at while the kernel sent again. */
  #mustCollect = false;
  /** The session was another process's. */
  #left: LeftSession | undefined;

  constructor(options: LoopOptions) {
    this.#options = options;
    this.record = options.record;
    const { request, header, reply, records, collector } = options.buffers ?? new LoopBuffers();
    this.request = request;
    this.header = header;
    this.reply = reply;
    this.records = records;
    this.collector = collector;
    this.fs = options.fs;
    this.#jobs = new JobRunner(options.wakeFd);
    this.#backings = new BackingFiles(options.fuseFd, { isRehearsal: options.isRehearsal === true });
    this.#failures = new Failures(options.log);
    this.#watch = new RequestWatch({ debug: options.debug, log: options.log, observer: options.observer });
    this.#remote = options.remote;
    this.#remote?.attach(this);
  }

  get fuseFd(): number {
    return this.#options.fuseFd;
  }

  get burst(): Burst | undefined {
    return this.#options.burst;
  }

  /** Requests are going to come. */
  begin(): void {
    this.fs.attach(this);
  }

  /** Goes on with the session of a process that died: the kernel sends again what that has not answered. After `begin()`. */
  resume(left: LeftSession): void {
    this.#left = left;
    this.#agree(left.features);
    const length = encodeResend(this.#notice);
    check(writePrefix(this.#options.fuseFd, this.#notice.bytes, length), 'write', '/dev/fuse');
  }

  #agree(features: Negotiated): void {
    this.agreed = features;
    this.passthrough = features.passthrough;
    this.setxattrExt = features.setxattrExt;
    this.#canResend = features.resend;
    this.#options.onInit(features);
  }

  /**
   * Answers requests, until there is none or `most` were.
   * @throws FsError when /dev/fuse fails in a way that ends the session.
   */
  serveSome(most: number): TurnEnd {
    const { fuseFd } = this.#options;
    for (let count = 0; count < most; count++) {
      const length = read(fuseFd, this.request.bytes);
      if (length > 0) {
        this.request.end = length;
        this.#serve();
      } else if (length === -ENODEV) {
        return 'unmounted';
      } else if (length === -ECONNABORTED) {
        return 'aborted';
      } else if (length === -EAGAIN) {
        if (this.#parked.isResending) this.#endResend();
        return 'idle';
      } else if (length !== -EINTR && length !== -ENOENT) {
        check(length, 'read', '/dev/fuse');
      }
    }
    return 'more';
  }

  /** Whether requests wait for a job, or may for remote storage: then `settle()` is to be called now and then. */
  get isWaiting(): boolean {
    return (
      this.#mustCollect ||
      this.#parked.isInUse ||
      (this.#remote !== undefined && this.#remote.storages.length > 0)
    );
  }

  /** Answers what waits no longer. @returns in how many milliseconds to call it again; -1: with the next event. */
  settle(): number {
    // What the kernel sends again comes first.
    if (this.#parked.isResending) return 0;
    try {
      this.#releaseEnding();
      if (this.#mustCollect) this.#takeUp();
      else this.#askAgain();
      return soonest(this.#remote?.settle() ?? -1, this.#parked.dueMs);
    } catch (error) {
      // The mount goes on: others' requests are not to suffer.
      this.#failures.log('requests that wait', error);
      return CHECK_MS;
    }
  }

  /** Takes up what waited for jobs that are done: after the eventfd was written. */
  collect(): void {
    try {
      this.#takeUp();
    } catch (error) {
      this.#failures.log('requests that waited', error);
    }
  }

  #takeUp(): void {
    this.#mustCollect = this.#parked.isResending;
    if (this.#mustCollect) return;
    this.#remote?.drain();
    this.#replayFinished();
    this.#askAgain();
  }

  /** Lets the helpers end. */
  stop(): void {
    this.#jobs.stop();
  }

  /** Requests so far, by opcode name. */
  counts(): Record<string, number> {
    const out: Record<string, number> = {};
    this.#counts.forEach((count, opcode) => {
      if (count > 0) out[opcodeName(opcode)] = count;
    });
    return out;
  }

  /** Somebody looks: requests are timed for so long. */
  readonly timeFor = (ms: number): void => this.#watch.timeFor(ms);

  readonly #notice = new ReplyBuffer(SMALLEST_REPLY);
  #store: PageStore | undefined;
  #prune: ReplyBuffer | undefined;

  openBacking(fd: number): number {
    return this.#backings.open(fd);
  }

  closeBacking(backingId: number): void {
    this.#backings.close(backingId);
  }

  get caller(): Caller {
    return this.records.caller;
  }

  /** Sent by the thread that answers, against the rule: without a page range the kernel waits for no request of ours. */
  invalidateAttributes(node: NodeId): void {
    const length = encodeInvalInode(this.#notice, node, -1, 0);
    writePrefix(this.#options.fuseFd, this.#notice.bytes, length);
  }

  /** Sent by the thread that answers: a page of a directory's listing is locked only while it is filled, not while a request waits. */
  invalidateListing(node: NodeId): void {
    const length = encodeInvalInode(this.#notice, node, 0, 0);
    writePrefix(this.#options.fuseFd, this.#notice.bytes, length);
  }

  /** Sent by the thread that answers: the kernel takes no lock for it that one of our callers may hold. */
  pruneNodes(nodes: readonly NodeId[]): boolean {
    this.#prune ??= new ReplyBuffer(PRUNE_BYTES);
    const length = encodePrune(this.#prune, nodes);
    return writePrefix(this.#options.fuseFd, this.#prune.bytes, length) >= 0;
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
    const startedMs = this.#watch.begin();
    const { header, request } = this;
    try {
      decodeRequestHeader(request, header);
    } catch (error) {
      // Without a header there is nothing to answer to.
      this.#failures.log('request', error);
      return;
    }
    const { opcode } = header;
    if (this.#parked.isResending && this.#meetResent()) return;
    this.#counts[Math.min(opcode, OPCODE_LIMIT)]!++;
    if (opcode === FUSE_INTERRUPT) {
      this.#interrupt();
      return;
    }
    this.collector.noteRequest(opcode, header.len);
    if (this.#remote !== undefined && this.#remote.storages.length > 0 && this.#remote.take(this)) return;
    if (this.#left !== undefined && this.#answerAgain(this.#left)) return;
    const result = opcode === FUSE_INIT ? this.#init() : this.#dispatch();
    if (result === undefined) return;
    this.#watch.beforeReply(result, this);
    if (result !== NO_REPLY) this.#send(result);
    this.#watch.end(result, startedMs, this);
  }

  /** @returns 0 or a negated errno to answer, NO_REPLY, or undefined when the request was parked. */
  #dispatch(replayed?: ParkedRequest): number | undefined {
    const { header, records } = this;
    const operation = operations[header.opcode];
    if (operation === undefined) return -ENOSYS;
    records.caller.uid = header.uid;
    records.caller.gid = header.gid;
    records.caller.pid = header.pid;
    this.record?.begin(header, this.request);
    try {
      const left = this.#left;
      const known = left?.interrupted.find((one) => isSameRequest(header, one));
      if (known !== undefined) {
        const wasExchanged = left?.wasExchanged === true && known === lastRename(left.interrupted);
        return repeatOperation(operation, this, { wasExchanged });
      }
      return performOperation(operation, this);
    } catch (error) {
      return this.#outcomeOf(error, replayed);
    }
  }

  /** As `#dispatch()`, of a handler that threw. */
  #outcomeOf(error: unknown, replayed: ParkedRequest | undefined): number | undefined {
    const { opcode } = this.header;
    this.reply.reset();
    if (error instanceof Wait) {
      this.#parked.mayLeave = this.#canResend && (this.#remote?.storages.length ?? 0) === 0;
      if (replayed === undefined) this.#parked.park(error.job, this.request, this.header);
      else this.#parked.parkAgain(replayed, error.job, this.request);
      return undefined;
    }
    const errno =
      error instanceof FsError
        ? error.errno
        : this.#failures.errnoOf(describeRequest(this.header, this.records), error);
    return opcode === FUSE_FORGET || opcode === FUSE_BATCH_FORGET ? NO_REPLY : -errno;
  }

  #send(result: number): void {
    const length = finishReply(this.reply, this.header, result);
    this.record?.answered(this.header, this.reply, length);
    const written = writePrefix(this.#options.fuseFd, this.reply.bytes, length);
    this.record?.meet(this.header);
    // ENOENT: the kernel gave the request up (abort); ENODEV: the mount is gone, which the next read tells.
    if (written < 0 && written !== -ENOENT && written !== -ENODEV) {
      this.#options.log(`reply to ${opcodeName(this.header.opcode)} refused: errno ${-written}`);
      writePrefix(this.#options.fuseFd, this.reply.bytes, finishReply(this.reply, this.header, -EIO));
    }
  }

  #init(): number {
    try {
      decodeInit(this.request, this.records.init);
      const limits = { passthrough: this.#options.passthrough, maxStackDepth: 1, writeback: false };
      const out = negotiate(this.records.init, limits);
      encodeInit(this.reply, out);
      this.#agree(out.features);
      return 0;
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
      this.#options.log(error.message);
      return -EPROTO;
    }
  }

  /** Answers a request at which a process before has died. @returns whether it is answered by what is known of it. */
  #answerAgain({ interrupted }: LeftSession): boolean {
    const { header, reply } = this;
    if ((header.uniqueHigh & FUSE_UNIQUE_RESEND_HIGH) === 0) return false;
    const known = interrupted.find((one) => isSameRequest(header, one));
    if (known === undefined) return false;
    if (known.reply !== undefined) {
      known.reply.copy(reply.bytes);
      reply.length = known.reply.length;
      this.#send(known.reply.readInt32LE(4));
      return true;
    }
    if (known.deaths <= MOST_DEATHS) return false;
    this.#options.log(
      `${opcodeName(header.opcode)} node=${header.nodeId} pid=${header.pid} has ended ${known.deaths} processes: answered EIO`,
    );
    this.#send(-EIO);
    return true;
  }

  #replayFinished(): void {
    if (!this.#jobs.collect() && !this.#parked.hasReady) return;
    for (const parked of this.#parked.takeReady()) {
      const { bytes } = parked;
      bytes!.copy(this.request.bytes);
      this.request.end = bytes!.length;
      decodeRequestHeader(this.request, this.header);
      this.#replay(parked);
    }
    // The rest after requests of others.
    if (this.#parked.hasReady) eventfdWrite(this.#options.wakeFd);
  }

  /** PRECONDITION: its bytes are in `request`. */
  #replay(parked: ParkedRequest): void {
    this.replaying = true;
    this.awaited = parked.job;
    const result = this.#dispatch(parked);
    this.replaying = false;
    this.awaited = undefined;
    if (result === undefined) return;
    this.#watch.beforeReply(result, this);
    if (result !== NO_REPLY) this.#send(result);
    this.#watch.endWaited(parked.sinceMs, this);
  }

  /** Has the kernel send again what was left with it and is due. */
  #askAgain(): void {
    // What is ready here must be answered before: by what the kernel knows now.
    if (!this.#parked.needsResend || this.#parked.hasReady) return;
    const length = encodeResend(this.#notice);
    // A thread of remote storage, added since something was left, answers by what it was given first.
    const isAsked =
      this.#remote?.isWaiting !== true && writePrefix(this.#options.fuseFd, this.#notice.bytes, length) >= 0;
    if (isAsked) this.#parked.beginResend();
    else this.#parked.postponeResend();
  }

  /** While the kernel sends again what was not answered. @returns whether the request was one of those. */
  #meetResent(): boolean {
    const { header, request } = this;
    // These overtake others.
    if (
      header.opcode === FUSE_INTERRUPT ||
      header.opcode === FUSE_FORGET ||
      header.opcode === FUSE_BATCH_FORGET
    )
      return false;
    const parked = this.#parked.takeResent(request, header);
    // Those that come again come before all others.
    if (parked === undefined && (header.uniqueHigh & FUSE_UNIQUE_RESEND_HIGH) === 0) this.#endResend();
    if (parked === undefined) return false;
    if (parked !== 'waits') this.#replay(parked);
    return true;
  }

  #endResend(): void {
    for (const { job } of this.#parked.endResend()) job.onGivenUp?.();
    // What became ready meanwhile.
    eventfdWrite(this.#options.wakeFd);
  }

  /** Lets callers go that are about to end; their jobs go on. */
  #releaseEnding(): void {
    for (const { uniqueLow: low, uniqueHigh: high, job } of this.#parked.takeEnding()) {
      job.onGivenUp?.();
      this.answer({ low, high }, -EINTR);
    }
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
    if (this.#remote?.interrupt(uniqueLow, uniqueHigh) !== true)
      this.#parked.interrupt(uniqueLow, uniqueHigh);
  }

  answer(unique: { readonly low: number; readonly high: number }, result: number): void {
    this.header.uniqueLow = unique.low;
    this.header.uniqueHigh = unique.high;
    this.#send(result);
  }
}
