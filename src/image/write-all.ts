/** Writes to files of which some calls write less than they were given. */

import type { FileHandle } from 'node:fs/promises';
import { errnoText } from '../errno/errno.js';
import { UserError } from '../errno/user-error.js';

/** @param shown what is written, for the error. @throws UserError `cannot write 'X': no space left on device`. */
export async function writeAll(file: FileHandle, bytes: Buffer, shown: string): Promise<void> {
  try {
    for (let done = 0; done < bytes.length; ) done += (await file.write(bytes, done)).bytesWritten;
  } catch (error) {
    throw cannotWrite(shown, error);
  }
}

/** Of an error that a system call gave to Node. */
export function cannotWrite(shown: string, error: unknown): UserError {
  const { errno, message } = error as NodeJS.ErrnoException;
  const why = errno === undefined ? message : errnoText(-errno);
  return new UserError(`cannot write ${shown}: ${why}`, { cause: error });
}
