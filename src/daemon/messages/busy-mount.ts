/** What is told when a mount cannot be taken away because somebody has something open in it. */

import { UserError } from '../../errno/user-error.js';

/** @param shown its mount point, as text. */
export function busyMount(shown: string, cause: unknown): UserError {
  return new UserError(`cannot unmount '${shown}': it is in use`, {
    code: 'ERR_IN_USE',
    hint: `see who with: fuser -vm '${shown}'; or use plyfs umount --lazy`,
    cause,
  });
}
