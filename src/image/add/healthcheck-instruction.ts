/**
 * HEALTHCHECK: kept in the image's configuration, for `run` and `create`.
 */

import type { Flag } from '../../dockerfile/dockerfile.js';
import { jsonForm } from '../../dockerfile/words.js';
import { UserError } from '../../errno/user-error.js';
import { parseDuration } from '../../image/oci/duration.js';
import type { ImageHealthcheck } from '../../image/oci/oci.js';

const DURATIONS: Readonly<Record<string, 'Interval' | 'Timeout' | 'StartPeriod' | 'StartInterval'>> = {
  interval: 'Interval',
  timeout: 'Timeout',
  'start-period': 'StartPeriod',
  'start-interval': 'StartInterval',
};

/** @throws UserError for what is neither `NONE` nor `[OPTIONS] CMD command`. */
export function healthcheckOf(flags: readonly Flag[], text: string): ImageHealthcheck {
  const [, keyword = '', rest = ''] = /^\s*(\S+)\s*([\s\S]*?)\s*$/.exec(text) ?? [];
  if (keyword.toUpperCase() === 'NONE') {
    if (flags.length > 0 || rest !== '') throw new UserError('NONE stands alone');
    return { Test: ['NONE'] };
  }
  if (keyword.toUpperCase() !== 'CMD' || rest === '') {
    throw new UserError(`'${text.trim()}' is no check`, { hint: 'write NONE, or CMD and a command' });
  }
  const words = jsonForm(rest);
  const check: { -readonly [K in keyof ImageHealthcheck]: ImageHealthcheck[K] } = {
    Test: words ? ['CMD', ...words] : ['CMD-SHELL', rest],
  };
  for (const { name, value = '' } of flags) {
    const field = DURATIONS[name];
    if (field !== undefined) check[field] = parseDuration(value);
    else if (name === 'retries' && /^\d+$/.test(value)) check.Retries = Number(value);
    else throw new UserError(`the flag '--${name}=${value}' means nothing`);
  }
  return check;
}
