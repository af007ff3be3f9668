/**
 * `--ssh` of a build: sockets of agents that `RUN --mount=type=ssh` shows.
 */

import { resolve } from 'node:path';
import { UserError } from '../errno/user-error.js';

/** `default`, `ID`, `ID=SOCKET`; without a socket that of SSH_AUTH_SOCK. @throws UserError */
export function parseAgents(specs: readonly string[]): Map<string, string> {
  return new Map(
    specs.map((spec): [string, string] => {
      const equals = spec.indexOf('=');
      const id = equals < 0 ? spec : spec.slice(0, equals);
      if (id === '')
        throw new UserError(`invalid ssh agent '${spec}'`, { hint: 'write default, or ID=SOCKET' });
      const socket = equals < 0 ? process.env.SSH_AUTH_SOCK : spec.slice(equals + 1);
      if (socket === undefined || socket === '') {
        throw new UserError(`the ssh agent '${id}': SSH_AUTH_SOCK is not set`, { hint: 'start ssh-agent' });
      }
      return [id, resolve(socket)];
    }),
  );
}
