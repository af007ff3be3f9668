/**
 * The words in which a mount is refused, and the small questions about paths that the checks share.
 */

import { type Stats, statSync } from 'node:fs';
import { hasCode } from '../../errno/error-code.js';
import { reasonOf } from '../../errno/reason.js';
import { UserError } from '../../errno/user-error.js';
import { displayName, type Name } from '../../vfs/name.js';
import type { MountConfig } from './mount-config.js';

/** What cannot be mounted, and why: `cannot mount on '/mnt': REASON`. */
export function refusal(config: Pick<MountConfig, 'mountpoint'>, reason: string, hint?: string): UserError {
  return new UserError(`cannot mount on ${quote(config.mountpoint)}: ${reason}`, { hint });
}

export function quote(name: Name): string {
  return `'${displayName(name)}'`;
}

/** Whether `inner` is `outer` or lies below it. */
export function contains(outer: Name, inner: Name): boolean {
  return inner === outer || inner.startsWith(outer.endsWith('/') ? outer : `${outer}/`);
}

/** Undefined when nothing is there. */
export function statIfPresent(path: Name): Stats | undefined {
  try {
    return statSync(Buffer.from(path, 'latin1'));
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw new UserError(`cannot look at ${quote(path)}: ${reasonOf(error)}`, { cause: error });
  }
}
