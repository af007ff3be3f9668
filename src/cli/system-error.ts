/** Telling Node's errors of syscalls from mistakes in the program. */

/** Whether it is an error of a syscall, and of this code where one is given. */
export function isSystemError(
  error: unknown,
  code?: string,
): error is NodeJS.ErrnoException & { code: string } {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return false;
  return typeof error.code === 'string' && (code === undefined || error.code === code);
}
