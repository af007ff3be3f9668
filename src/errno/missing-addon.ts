/**
 * koffi, through which all system calls go, has its addon in a package for each platform that npm installs as an optional one:
 * installed with `--omit=optional`, or for another platform, plyfs has no system calls.
 */

import { isSystemError } from './error-code.js';
import { UserError } from './user-error.js';

/** What is to be told about an error of loading koffi; undefined for any other error. */
export function missingAddon(error: unknown): UserError | undefined {
  if (!(error instanceof Error) || error instanceof UserError || isSystemError(error)) return undefined;
  if (!/\bkoffi\b/i.test(error.message)) return undefined;
  const [first = ''] = error.message.split('\n', 1);
  const why = /native Koffi module; did you/.test(first) ? 'it is not installed' : first;
  const host = `${process.platform}-${process.arch}`;
  return new UserError(`the addon of koffi for ${host}, which system calls need, cannot be loaded: ${why}`, {
    hint: 'install plyfs again with its optional packages: npm install -g --include=optional plyfs',
    cause: error,
  });
}
