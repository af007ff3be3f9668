/** Writes to files of which some calls write less than they were given. */

import type { FileHandle } from 'node:fs/promises';
import { reasonOf } from '../../errno/reason.js';
import { UserError } from '../../errno/user-error.js';

/** @param shown what is written, for the error. @throws UserError `cannot write 'X': no space left on device`. */
export async function writeAll(file: FileHandle, bytes: Buffer, shown: string): Promise<void> {
  try {
    for (let done = 0; done < bytes.length; ) done += (await file.write(bytes, done)).bytesWritten;
  } catch (error) {
    throw cannotWrite(shown, error);
  }
}

/** The user's error for one that a system call gave to Node. */
export function cannotWrite(shown: string, error: unknown): UserError {
  return new UserError(`cannot write ${shown}: ${reasonOf(error)}`, { cause: error });
}
