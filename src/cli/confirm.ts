/**
 * Asks before something is deleted.
 */

import { createInterface } from 'node:readline/promises';
import { UserError } from '../errno/user-error.js';

/** @throws UserError when nobody can be asked. */
export async function confirm(what: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw new UserError('nobody can be asked here', { hint: 'use -f' });
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(?:es)?$/i.test((await lines.question(`${what} Continue? [y/N] `)).trim());
  } finally {
    lines.close();
  }
}
