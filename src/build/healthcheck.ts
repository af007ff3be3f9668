/**
 * HEALTHCHECK: kept in the image's configuration for who carries such checks out; plyfs itself does not.
 */

import { UserError } from '../errno/user-error.js';
import type { Healthcheck } from '../image/oci.js';
import { jsonForm } from '../image/words.js';
import type { Flag } from './dockerfile.js';

const UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};
const DURATIONS: Readonly<Record<string, 'Interval' | 'Timeout' | 'StartPeriod' | 'StartInterval'>> = {
  interval: 'Interval',
  timeout: 'Timeout',
  'start-period': 'StartPeriod',
  'start-interval': 'StartInterval',
};

/** @throws UserError for what is neither `NONE` nor `[OPTIONS] CMD command`. */
export function healthcheckOf(flags: readonly Flag[], text: string): Healthcheck {
  const [, keyword = '', rest = ''] = /^\s*(\S+)\s*([\s\S]*?)\s*$/.exec(text) ?? [];
  if (keyword.toUpperCase() === 'NONE') {
    if (flags.length > 0 || rest !== '') throw new UserError('NONE stands alone');
    return { Test: ['NONE'] };
  }
  if (keyword.toUpperCase() !== 'CMD' || rest === '') {
    throw new UserError(`'${text.trim()}' is no check`, { hint: 'write NONE, or CMD and a command' });
  }
  const words = jsonForm(rest);
  const check: { -readonly [K in keyof Healthcheck]: Healthcheck[K] } = {
    Test: words ? ['CMD', ...words] : ['CMD-SHELL', rest],
  };
  for (const { name, value = '' } of flags) {
    const field = DURATIONS[name];
    if (field !== undefined) check[field] = nanoseconds(value);
    else if (name === 'retries' && /^\d+$/.test(value)) check.Retries = Number(value);
    else throw new UserError(`the flag '--${name}=${value}' means nothing`);
  }
  return check;
}

/** Go's durations: `1m30s`, `1.5s`, `100ms`. */
function nanoseconds(text: string): number {
  if (!/^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/.test(text)) {
    throw new UserError(`'${text}' is no duration`, { hint: 'write it as 30s or 1m30s' });
  }
  const parts = text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g);
  return Math.round([...parts].reduce((sum, [, count, unit]) => sum + Number(count) * UNITS[unit!]!, 0));
}
