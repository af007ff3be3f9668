/** A command that could not be run. */

import { UserError } from '../../errno/user-error.js';

/** `status` is the exit status for it. */
export class StartFailure extends UserError {
  readonly status: 125 | 126 | 127;

  constructor(status: 125 | 126 | 127, message: string) {
    super(message, { code: 'ERR_CANNOT_START' });
    this.name = 'StartFailure';
    this.status = status;
  }
}
