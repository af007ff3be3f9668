/** What the small kernel does not do: a case that wants it fails with this code, and is listed in `excluded.ts`. */

import { OperationError } from '../helpers/operator-client.js';

const UNSUPPORTED = 'UNSUPPORTED';

/** @throws OperationError UNSUPPORTED */
export function unsupported(what: string): never {
  throw new OperationError(UNSUPPORTED, `${what} is not done in-process`);
}
