/**
 * What of a session is worth telling: operations that failed, and why; requests that took long. The last ones are kept for who asks.
 *
 * INVARIANT: a program that fails in a loop costs a count a time: equal failures are told once a minute, different ones so many in ten
 * seconds, the rest is counted alone. What is refused again and again in one directory is one failure, whatever the names are.
 */

import {
  isPuzzling,
  isTelling,
  type RequestObserver,
  type WatchedRequest,
} from '../../../engine/kernel/request-watch.js';
import { requestName } from '../../../engine/operations/describe-request.js';
import { EIO, EXDEV, errnoCode } from '../../../errno/errno.js';
import { FUSE_SETATTR, opcodeName } from '../../../fuse/abi/abi-opcodes.js';
import { processName } from '../../../linux/process/process-name.js';
import { displayName } from '../../../vfs/name.js';
import type { NodeId } from '../../../vfs/node-id.js';
import type { FailedOperation, SlowRequest } from '../../messages/activity-report.js';

const MOST_KEPT = 100;
const AGAIN_MS = 60_000;
const MOST_TOLD = 20;
const TOLD_PER_MS = 10_000;
/** The opcode of an engine that knows none. */
const NO_OPCODE = -1;

/** Where an operation failed. */
export interface DescribedPlace {
  /** With a leading slash, text. */
  readonly path: string;
  /** @param errno positive. @param path of what the operation was about. */
  cause(errno: number, path: string): string;
}

interface JournalOptions {
  readonly placeOf: (node: NodeId) => DescribedPlace;
  readonly tell: (failure: FailedOperation) => void;
}

interface LateRequest {
  readonly opcode: number;
  readonly nodeId: NodeId;
  readonly taskId: number;
}

interface Kept {
  failure: FailedOperation;
  toldMs: number;
}

export class SessionJournal implements RequestObserver {
  readonly #options: JournalOptions;
  readonly #failures = new Map<string, Kept>();
  readonly #counts = new Map<number, number>();
  readonly #slow: SlowRequest[] = [];
  #told = 0;
  #toldSinceMs = 0;

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  failed(errno: number, request: WatchedRequest): void {
    const { header, records } = request;
    const name = records && requestName(header, records);
    const key = isPuzzling(errno)
      ? `${errno} ${header.opcode} ${isOfMany(errno, header.opcode) ? '' : header.nodeId}`
      : `${errno} ${header.opcode} ${header.nodeId} ${name ?? ''}`;
    this.#note(errno, key, (nowMs) => this.#describe(errno, request, nowMs));
  }

  /** An operation of an engine that knows paths, and not who asks. @param errno any. */
  failedAt(errno: number, operation: string, { path, cause }: DescribedPlace): void {
    if (!isTelling(errno, NO_OPCODE)) return;
    this.#note(errno, `${errno} ${operation} ${path}`, (timeMs) => ({
      timeMs,
      operation,
      pid: 0,
      process: '',
      error: errnoCode(errno),
      path,
      cause: cause(errno, path),
    }));
  }

  #note(errno: number, key: string, describe: (nowMs: number) => Omit<FailedOperation, 'count'>): void {
    this.#counts.set(errno, (this.#counts.get(errno) ?? 0) + 1);
    const nowMs = Date.now();
    const kept = this.#failures.get(key);
    if (kept !== undefined) {
      kept.failure = { ...kept.failure, timeMs: nowMs, count: kept.failure.count + 1 };
      if (nowMs - kept.toldMs < AGAIN_MS) return;
    }
    if (!this.#mayTell(nowMs)) return;
    const failure = { ...describe(nowMs), count: kept?.failure.count ?? 1 };
    this.#failures.delete(key);
    this.#failures.set(key, { failure, toldMs: nowMs });
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > MOST_KEPT && oldest !== undefined) this.#failures.delete(oldest);
    this.#options.tell(failure);
  }

  /** A request was answered EIO because its storage did not answer. */
  late({ opcode, nodeId, taskId }: LateRequest): void {
    this.failed(EIO, { header: { opcode, nodeId, pid: taskId } });
  }

  slow(tookMs: number, request: WatchedRequest): void {
    const path = pathAt(this.#options.placeOf(request.header.nodeId), request);
    this.#slow.push({ ...requestFacts(request, Date.now()), path, tookMs: Math.round(tookMs) });
    if (this.#slow.length > MOST_KEPT) this.#slow.shift();
  }

  /** By error. */
  get counts(): Record<string, number> {
    return Object.fromEntries([...this.#counts].map(([errno, count]) => [errnoCode(errno), count]));
  }

  /** Latest first. */
  get failures(): FailedOperation[] {
    return [...this.#failures.values()]
      .map(({ failure }) => failure)
      .sort((one, other) => other.timeMs - one.timeMs);
  }

  /** Latest first. */
  get slowRequests(): SlowRequest[] {
    return this.#slow.toReversed();
  }

  #mayTell(nowMs: number): boolean {
    if (nowMs - this.#toldSinceMs >= TOLD_PER_MS) {
      this.#toldSinceMs = nowMs;
      this.#told = 0;
    }
    this.#told++;
    return this.#told <= MOST_TOLD;
  }

  #describe(errno: number, request: WatchedRequest, nowMs: number): Omit<FailedOperation, 'count'> {
    const place = this.#options.placeOf(request.header.nodeId);
    const path = pathAt(place, request);
    return {
      ...requestFacts(request, nowMs),
      error: errnoCode(errno),
      path,
      cause: place.cause(errno, path),
    };
  }
}

/** `mv` of a tree to another mount, which goes on with a copy, and `tar` that gives files away: one failure, wherever it is. */
function isOfMany(errno: number, opcode: number): boolean {
  return errno === EXDEV || opcode === FUSE_SETATTR;
}

function pathAt({ path }: DescribedPlace, { header, records }: WatchedRequest): string {
  const name = records && requestName(header, records);
  return name === undefined ? path : `${path === '/' ? '' : path}/${displayName(name)}`;
}

function requestFacts({ header }: WatchedRequest, timeMs: number) {
  const { pid } = header;
  return { timeMs, operation: opcodeName(header.opcode), pid, process: processName(pid) };
}
