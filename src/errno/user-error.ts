/**
 * The error of wrong input: what a person typed cannot be carried out, and no syscall has failed.
 *
 * It has no errno, so FsError does not fit. The command line prints `message` and then the hint, and no stack trace. Code that
 * must tell one from others asks hasCode() of error-code.ts, never the English; the control socket carries the code too.
 * INVARIANT: message and hint are one line each, whatever the input held: what no terminal must get shows as escapes.
 */

import { oneLine } from './printable.js';

/** The kinds that some caller tells from the others. */
export type UserErrorCode =
  /** What is to be unmounted or removed is in use. */
  | 'ERR_IN_USE'
  /** The daemon, or its session, is silent. */
  | 'ERR_NO_ANSWER'
  /** There is no daemon, or it has hung up. */
  | 'ERR_NO_DAEMON'
  /** A command in a container cannot be run. */
  | 'ERR_CANNOT_START'
  /** There is nothing of that name. */
  | 'ERR_NOT_FOUND'
  /** An argument of the library that is not what it must be. */
  | 'ERR_INVALID_ARGUMENT'
  /** There is one of that name already. */
  | 'ERR_EXISTS'
  /** The host has changed what a draft would change. */
  | 'ERR_CONFLICT'
  /** A change wants a word of its own. */
  | 'ERR_NOT_PERMITTED'
  /** A text that is no name of an image. */
  | 'ERR_INVALID_REFERENCE'
  /** Nobody reads standard output any more. */
  | 'ERR_OUTPUT_CLOSED'
  /** The message begins with the line of a Dockerfile. */
  | 'ERR_AT_LINE';

/** What an error has beside its message. */
export interface UserErrorDetail {
  /** For programs that tell it from others. */
  readonly code?: UserErrorCode | undefined;
  /** What to do instead; one line, no full stop. */
  readonly hint?: string | undefined;
  /** The error that led to it. */
  readonly cause?: unknown;
}

/** What was asked for cannot be done: a message of one line. */
export class UserError extends Error {
  /** What kind it is, where programs tell kinds apart. */
  readonly code?: UserErrorCode;
  /** What to do instead, in one line. */
  readonly hint?: string;

  constructor(message: string, detail: UserErrorDetail = {}) {
    super(oneLine(message), detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = 'UserError';
    if (detail.code !== undefined) this.code = detail.code;
    if (detail.hint !== undefined) this.hint = oneLine(detail.hint);
  }
}

/**
 * Runs `parse` and puts `prefix` before the message of a UserError that it throws; the hint stays.
 * @throws UserError
 */
export function withPrefix<T>(prefix: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`${prefix}: ${error.message}`, {
      code: error.code,
      hint: error.hint,
      cause: error.cause,
    });
  }
}
