/** `--allow` of a build: what its RUNs may ask for. */

import { UserError } from '../../../errno/user-error.js';

/** Docker's entitlements; the network is the host's anyway. */
const ENTITLEMENTS = ['security.insecure', 'network.host'];

/** @param texts names, several with commas between. @throws UserError for one that there is not. */
export function parseEntitlements(texts: readonly string[]): ReadonlySet<string> {
  const words = texts.flatMap((text) => text.split(','));
  const unknown = words.find((word) => !ENTITLEMENTS.includes(word));
  if (unknown === undefined) return new Set(words);
  throw new UserError(`the entitlement '${unknown}' cannot be had`, {
    hint: `there are ${ENTITLEMENTS.join(', ')}`,
  });
}
