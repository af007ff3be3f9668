/** `-l KEY[=VALUE]`. */

import { UserError } from '../../errno/user-error.js';

/** @throws UserError for a label without a key. */
export function parseLabels(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const equals = text.indexOf('=');
      const key = equals < 0 ? text : text.slice(0, equals);
      if (key === '') throw new UserError(`invalid label '${text}'`, { hint: 'write KEY=VALUE' });
      return [key, equals < 0 ? '' : text.slice(equals + 1)];
    }),
  );
}
