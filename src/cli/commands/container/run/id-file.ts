/**
 * `--cidfile`: a new file with the container's id, made before the container is, so that none is made in vain.
 */

import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { hasCode } from '../../../../errno/error-code.js';
import { reasonOf } from '../../../../errno/reason.js';
import { UserError } from '../../../../errno/user-error.js';

interface IdFile extends Disposable {
  write(id: string): void;
}

/** Goes again unless it is written to. @throws UserError when there is one. */
export function reserveIdFile(path: string): IdFile {
  let fd: number;
  try {
    fd = openSync(path, 'wx', 0o644);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) {
      throw new UserError(`container ID file found: '${path}'`, {
        hint: 'make sure that the other container is not running, or remove the file',
      });
    }
    throw new UserError(`failed to create the container ID file '${path}': ${reasonOf(error)}`);
  }
  let isWritten = false;
  return {
    write: (id) => {
      writeSync(fd, id);
      isWritten = true;
    },
    [Symbol.dispose]: () => {
      closeSync(fd);
      if (!isWritten) rmSync(path, { force: true });
    },
  };
}
