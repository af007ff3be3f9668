/** Options as `--label KEY=VALUE` and `--opt KEY=VALUE`. */

import { UserError } from '../../errno/user-error.js';

/** Reads `KEY=VALUE`s; the last value of a key counts; a key without `=` has an empty value. @throws UserError for no key. */
export function parseKeyValues(flag: string, texts: readonly string[] | undefined): Record<string, string> {
  const pairs = (texts ?? []).map((text): [string, string] => {
    const equals = text.indexOf('=');
    const key = equals < 0 ? text : text.slice(0, equals);
    if (key === '')
      throw new UserError(`invalid ${flag} '${text}': it has no key`, { hint: 'it is KEY=VALUE' });
    return [key, equals < 0 ? '' : text.slice(equals + 1)];
  });
  return Object.fromEntries(pairs);
}
