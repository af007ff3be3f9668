/**
 * Errors told apart by their code, never by their English: the one way to ask what kind an error of Node, an FsError or a
 * UserError is. On the hot path `isErrno()` of fs-error.ts asks an FsError by number.
 */

/** `ENOENT`, `ERR_INVALID_ARG_VALUE`, a UserError's own; undefined for an error without a code and for what is no error. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Whether it is an error with one of these codes. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  const code = codeOf(error);
  return code !== undefined && codes.includes(code);
}

/** Whether it is an error of a syscall as Node makes them. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException & { code: string } {
  return codeOf(error) !== undefined && 'syscall' in (error as Error);
}
