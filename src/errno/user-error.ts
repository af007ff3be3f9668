/**
 * The error of wrong input: what a person typed cannot be carried out, and no syscall has failed.
 *
 * It has no errno, so FsError does not fit. The command line prints `message` and then the hint, and no stack trace.
 * INVARIANT: message and hint are one line each, whatever the input held: control characters show as escapes.
 */

export interface UserErrorDetail {
  /** What to do instead; one line, no full stop. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

export class UserError extends Error {
  readonly hint?: string;

  constructor(message: string, detail: UserErrorDetail = {}) {
    super(oneLine(message), detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = 'UserError';
    if (detail.hint !== undefined) this.hint = oneLine(detail.hint);
  }
}

/** Line breaks and terminal controls as `\n` or `\x1b`, so that input cannot forge output. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, (char) => {
    if (char === '\n') return '\\n';
    if (char === '\t') return '\\t';
    const code = char.charCodeAt(0);
    return code > 0xff ? `\\u${code.toString(16)}` : `\\x${code.toString(16).padStart(2, '0')}`;
  });
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
    throw new UserError(`${prefix}: ${error.message}`, { hint: error.hint, cause: error.cause });
  }
}
