/** The directory that a command starts in. */

import { mkdirSync } from 'node:fs';
import { UserError } from '../../errno/user-error.js';
import type { EnterOrder } from './order.js';

/** Docker makes the one of `run`, and not what is typed for `exec`. PRECONDITION: the root is the container's. */
export function enterDirectory(path: string, { makeDirectory }: Pick<EnterOrder, 'makeDirectory'>): void {
  try {
    if (makeDirectory) makeMissing(path);
    process.chdir(path);
  } catch (error) {
    const reason = /^E[A-Z0-9]+: ([^,]+)/.exec((error as Error).message)?.[1] ?? (error as Error).message;
    throw new UserError(`cannot enter the working directory '${path}': ${reason}`, { cause: error });
  }
}

/** Nothing is made when it is there, also where the tree is read-only. */
function makeMissing(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
