/**
 * `CONTAINER:PATH` and paths of the host, as `cp` tells them apart.
 */

import { UserError } from '../../errno/user-error.js';

interface Endpoint {
  /** Undefined: the host. */
  readonly container: string | undefined;
  /** `-` of the host is a tar stream. */
  readonly path: string;
}

/** An absolute or `./` path is the host's, whatever colons it has. */
export function parseEndpoint(text: string): Endpoint {
  const colon = text.indexOf(':');
  if (colon < 1 || text.startsWith('/') || text.startsWith('.')) return { container: undefined, path: text };
  // Nothing behind the colon is the root, as `.` would be.
  return { container: text.slice(0, colon), path: text.slice(colon + 1) || '/' };
}

/** @throws UserError unless just one of them is a container's. */
export function checkEndpoints(source: Endpoint, target: Endpoint): void {
  if (source.container !== undefined && target.container !== undefined) {
    throw new UserError('copying between containers is not supported', { hint: 'copy to the host first' });
  }
  if (source.container === undefined && target.container === undefined) {
    throw new UserError('must specify at least one container source', { hint: 'write CONTAINER:PATH' });
  }
}
