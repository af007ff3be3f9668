/**
 * What the commands have in common that attach themselves to a container's command.
 */

import { UserError } from '../../../../errno/user-error.js';

export const DETACH_KEYS_TEXT =
  "keys that leave a terminal to a command that goes on (default: 'ctrl-p,ctrl-q')";

/** Docker's status for it is 1, whichever command it is. */
export class NoTerminal extends UserError {
  constructor() {
    super('the input device is not a TTY', { hint: 'leave -t out where the input is a file or a pipe' });
    this.name = 'NoTerminal';
  }
}

/** A terminal in the container that is fed by none here hangs, or garbles what is in a pipe. @throws NoTerminal */
export async function refuseWithoutTerminal({
  tty,
  interactive,
}: {
  readonly tty?: boolean | undefined;
  readonly interactive?: boolean | undefined;
}): Promise<void> {
  const { isatty } = await import('node:tty');
  if (tty === true && interactive === true && !isatty(0)) throw new NoTerminal();
}
