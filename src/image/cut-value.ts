/**
 * What `${NAME#PATTERN}`, `##`, `%`, `%%`, `/`, `//` of a Dockerfile make of a value: `*` and `?` match as in a shell, a
 * backslash takes their meaning away.
 */

import { UserError } from '../errno/user-error.js';

/** `#` and `##` cut at the beginning, `%` and `%%` at the end; doubled, as much as matches. */
export function cutValue(value: string, operator: string, pattern: string): string {
  const whole = new RegExp(`^${regexOf(pattern)}$`, 's');
  const isFromEnd = operator.startsWith('%');
  const lengths = Array.from({ length: value.length + 1 }, (_, index) => index);
  for (const length of operator.length === 2 ? lengths.reverse() : lengths) {
    const at = isFromEnd ? value.length - length : length;
    if (whole.test(isFromEnd ? value.slice(at) : value.slice(0, at)))
      return isFromEnd ? value.slice(0, at) : value.slice(at);
  }
  return value;
}

export interface Replacing {
  readonly pattern: string;
  readonly replacement: string;
  /** All that match, not the first alone. */
  readonly isGlobal: boolean;
}

export function replaceInValue(value: string, { pattern, replacement, isGlobal }: Replacing): string {
  // A function, since `$` in a replacement text has a meaning of its own.
  return value.replace(new RegExp(regexOf(pattern), isGlobal ? 'gs' : 's'), () => replacement);
}

function regexOf(pattern: string): string {
  return pattern.replace(/\\([\s\S]?)|[\s\S]/g, (piece, escaped: string | undefined) => {
    if (escaped !== undefined) {
      if (/[}/*?\\]/.test(escaped)) return quoted(escaped);
      throw new UserError(`invalid pattern '${pattern}': '${piece}' escapes nothing`);
    }
    if (piece === '*') return '.*';
    return piece === '?' ? '.' : quoted(piece);
  });
}

function quoted(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}
