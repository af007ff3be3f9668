/** The directory that a command starts in. */

import { hasCode } from '../../errno/error-code.js';
import { reasonOf } from '../../errno/reason.js';
import { UserError } from '../../errno/user-error.js';
import { makeDirectories } from '../../linux/files/make-directories.js';
import type { EnterRequest } from './enter-request.js';

/** Docker makes the one of `run`, and not what is typed for `exec`. PRECONDITION: the root is the container's. */
export function enterDirectory(path: string, { makeDirectory }: Pick<EnterRequest, 'makeDirectory'>): void {
  try {
    if (makeDirectory) makeMissing(path);
    process.chdir(path);
  } catch (error) {
    throw new UserError(`cannot enter the working directory '${path}': ${reasonOf(error)}`, { cause: error });
  }
}

/** Nothing is made when it is there, also where the tree is read-only. */
function makeMissing(path: string): void {
  try {
    makeDirectories(path);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  }
}
