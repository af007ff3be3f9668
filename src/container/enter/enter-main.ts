/**
 * Entry of a process that becomes a container's command (become-command.ts), below util-linux's `unshare` (new namespaces) or
 * `nsenter` (those of a running command).
 */

import { becomeCommand } from './become-command.js';
import { ERRORS_FD } from './execute.js';
import { becomeSealed, SEAL_FLAG } from './sealed-program.js';
import { STARTER_FD } from './starter-channel.js';

becomeCommand({
  begin: () => {
    if (process.argv.includes(SEAL_FLAG)) becomeSealed([0, 1, 2, STARTER_FD, ERRORS_FD]);
  },
  end: (status) => process.exit(status),
});
