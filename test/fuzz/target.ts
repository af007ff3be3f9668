/** What a fuzzing target is: bytes go in, and an answer or an error that a user is meant to read comes out. */

import { FsError } from '../../src/errno/fs-error.js';
import { UserError } from '../../src/errno/user-error.js';

export interface Target {
  readonly name: string;
  /** What good input looks like; the mutations begin here. */
  readonly seeds: readonly (string | Buffer)[];
  /** Pieces that are put in as wholes. */
  readonly words: readonly string[];
  /** @throws UserError or FsError for input that is refused; anything else is a finding. */
  run(input: Buffer): void | Promise<void>;
}

/** Whether an error is one that input may lead to: of the classes that are reported, and in one line. */
export function isRefusal(error: unknown): boolean {
  if (error instanceof FsError) return true;
  return error instanceof UserError && !/[\n\p{Cc}]|is not a function|^Cannot read prop/u.test(error.message);
}
