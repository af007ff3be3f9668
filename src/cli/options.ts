/**
 * Pieces that several commands build their options from.
 */

/** For options that may be given more than once. */
export function collect(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value];
}

export const DEBUG_FLAG = '--debug';
export const DEBUG_TEXT = 'stack traces with errors, and each request in the log';
