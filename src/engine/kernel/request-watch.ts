/**
 * What is told of requests: a line for each with `debug`; those that fail though their caller made no mistake; those that take long.
 *
 * A request is timed while somebody looks, and always where it waits for a job. The others cost a test of a flag and of the result's
 * sign. An observer sees the request as it was decoded: a failed one before its reply is sent, since its process may end with that.
 */

import {
  EACCES,
  EBUSY,
  EDQUOT,
  EIO,
  EMFILE,
  ENFILE,
  ENOMEM,
  ENOSPC,
  EPERM,
  EROFS,
  ETIMEDOUT,
  EXDEV,
} from '../../errno/errno.js';
import * as op from '../../fuse/abi/abi-opcodes.js';
import type { RequestHeader } from '../../fuse/messages/request.js';
import type { Records } from '../operations/session-records.js';

/** A request as it was decoded; good until the next one. */
export interface WatchedRequest {
  readonly header: Pick<RequestHeader, 'opcode' | 'nodeId' | 'pid'>;
  /** Undefined where it is not in hand any more. */
  readonly records?: Records;
}

interface Answered extends WatchedRequest {
  readonly header: RequestHeader;
}

export interface RequestObserver {
  /** A request was answered with an error that isTelling(). @param errno positive. */
  failed(errno: number, request: WatchedRequest): void;
  slow(tookMs: number, request: WatchedRequest): void;
}

/** Errors of what is full, read-only, broken or out of reach, whatever was to be done. */
const TELLING: ReadonlySet<number> = new Set([EROFS, ENOSPC, EDQUOT, EIO, EMFILE, ENFILE, ENOMEM, ETIMEDOUT]);

const MOVES: readonly number[] = [op.FUSE_RENAME, op.FUSE_RENAME2];
const REMOVALS: readonly number[] = [op.FUSE_UNLINK, op.FUSE_RMDIR, ...MOVES];
const REFUSED: readonly number[] = [
  ...[...REMOVALS, op.FUSE_LINK, op.FUSE_SETATTR, op.FUSE_OPEN, op.FUSE_CREATE],
  ...[op.FUSE_MKDIR, op.FUSE_SYMLINK, op.FUSE_MKNOD, op.FUSE_WRITE, op.FUSE_FALLOCATE],
];

/**
 * Errors that puzzle people with some operations, and with the others are everyday life (`cp` tries COPY_FILE_RANGE first). What modes
 * forbid the kernel refuses by itself (default_permissions): what comes here is refused by a disk.
 */
const PUZZLING: ReadonlyMap<number, readonly number[]> = new Map([
  [EPERM, REFUSED],
  [EACCES, REFUSED],
  [EBUSY, REMOVALS],
  [EXDEV, [...MOVES, op.FUSE_LINK]],
]);

/** Whether a failure is worth telling: a missing name is everyday life, and so is most of what is forbidden. */
export function isTelling(errno: number, opcode: number): boolean {
  return TELLING.has(errno) || PUZZLING.get(errno)?.includes(opcode) === true;
}

/** Whether it comes in numbers where it comes: `mv` of a thousand names to another mount. */
export function isPuzzling(errno: number): boolean {
  return PUZZLING.has(errno);
}

const SLOW_MS = 10;
const SLOW_WAITED_MS = 250;

interface RequestWatchOptions {
  /** One line for each request. */
  readonly debug: boolean;
  readonly log: (line: string) => void;
  readonly observer: RequestObserver | undefined;
}

export class RequestWatch {
  readonly #options: RequestWatchOptions;
  #isTiming: boolean;
  #timedUntilMs = 0;

  constructor(options: RequestWatchOptions) {
    this.#options = options;
    this.#isTiming = options.debug;
  }

  /** Times requests for so long from now on. */
  timeFor(ms: number): void {
    this.#timedUntilMs = performance.now() + ms;
    this.#isTiming = true;
  }

  /** A request has come. @returns when, for `end()`; 0: it is not timed. */
  begin(): number {
    return this.#isTiming ? performance.now() : 0;
  }

  /** It is about to be answered. @param result 0, a negated errno or NO_REPLY. */
  beforeReply(result: number, request: WatchedRequest): void {
    if (result < 0) this.#noteFailure(result, request);
  }

  /** It was answered. */
  end(result: number, startedMs: number, request: Answered): void {
    if (startedMs !== 0) this.#noteTime(result, startedMs, request);
  }

  /** The same of one that had to wait. */
  endWaited(sinceMs: number, request: WatchedRequest): void {
    const tookMs = performance.now() - sinceMs;
    if (tookMs >= SLOW_WAITED_MS) this.#options.observer?.slow(tookMs, request);
  }

  #noteFailure(result: number, request: WatchedRequest): void {
    if (isTelling(-result, request.header.opcode)) this.#options.observer?.failed(-result, request);
  }

  #noteTime(result: number, startedMs: number, request: Answered): void {
    const { debug, observer } = this.#options;
    const nowMs = performance.now();
    const tookMs = nowMs - startedMs;
    if (debug) this.#trace(result, tookMs, request.header);
    if (nowMs < this.#timedUntilMs) {
      if (tookMs >= SLOW_MS) observer?.slow(tookMs, request);
    } else this.#isTiming = debug;
  }

  #trace(result: number, tookMs: number, header: RequestHeader): void {
    const unique = header.uniqueHigh * 2 ** 32 + header.uniqueLow;
    const outcome = result < 0 ? `errno ${-result}` : 'ok';
    this.#options.log(
      `${op.opcodeName(header.opcode)} unique=${unique} node=${header.nodeId} uid=${header.uid} pid=${header.pid}: ${outcome}, ${(tookMs * 1000).toFixed(1)} us`,
    );
  }
}
