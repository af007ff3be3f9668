/**
 * The one error class of plyfs, and the one place where the sign of a syscall result flips.
 *
 * Everything above `linux/` throws FsError; a missing name or xattr is no error but `undefined`. On the hot path
 * `fsError()` and `check()` build none of the stack trace that Error would (2 us each, measured on Node 20).
 */

import { errnoCode, errnoText } from './errno.js';

interface FsErrorDetail {
  /** The operation that failed, spelled as the kernel spells it: `openat`, `rename`. */
  readonly op: string;
  /** What it was done to; a name of bytes (latin1) or a path for the user. */
  readonly path?: string | undefined;
  readonly cause?: unknown;
}

export class FsError extends Error {
  /** `ENOENT`, ... */
  readonly code: string;
  /** Positive errno. */
  readonly errno: number;
  readonly op: string;
  readonly path: string | undefined;

  constructor(errno: number, detail: FsErrorDetail) {
    const where = detail.path === undefined ? '' : ` '${detail.path}'`;
    super(
      `${detail.op}${where}: ${errnoText(errno)}`,
      detail.cause === undefined ? undefined : { cause: detail.cause },
    );
    this.name = 'FsError';
    this.errno = errno;
    this.code = errnoCode(errno);
    this.op = detail.op;
    this.path = detail.path;
  }
}

/** An FsError without a stack trace, for errors that callers expect. */
export function fsError(errno: number, op: string, path?: string): FsError {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return new FsError(errno, { op, path });
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/**
 * Hands a syscall result on.
 * @throws FsError with `-result` as errno when the result is negative.
 */
export function check(result: number, op: string, path?: string): number {
  if (result < 0) throw fsError(-result, op, path);
  return result;
}

/** Whether `error` is an FsError with this errno. */
export function isErrno(error: unknown, errno: number): error is FsError {
  return error instanceof FsError && error.errno === errno;
}
