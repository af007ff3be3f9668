/**
 * What `${NAME#PATTERN}`, `##`, `%`, `%%`, `/`, `//` of a Dockerfile make of a value: `*` and `?` match as in a shell, a
 * backslash takes their meaning away.
 */

import { UserError } from '../errno/user-error.js';
import type { ExpansionLimits } from './expansion-limits.js';
import { type PatternStep, Wildcards } from './wildcards.js';

interface Cutting {
  /** `#` and `##` cut at the beginning, `%` and `%%` at the end; doubled, as much as matches. */
  readonly operator: string;
  readonly pattern: string;
}

/** @throws UserError for an invalid pattern, or beyond the limits. */
export function cutValue(value: string, { operator, pattern }: Cutting, limits: ExpansionLimits): string {
  const isFromEnd = operator.startsWith('%');
  const steps = stepsOf(pattern, limits);
  const chars = [...value];
  const wildcards = new Wildcards(isFromEnd ? steps.reverse() : steps, limits);
  const which = operator.length === 2 ? 'longest' : 'shortest';
  const length = wildcards.span(isFromEnd ? chars.toReversed() : chars, 0, which);
  if (length === undefined) return value;
  return (isFromEnd ? chars.slice(0, chars.length - length) : chars.slice(length)).join('');
}

export interface Replacing {
  readonly pattern: string;
  readonly replacement: string;
  /** All that match, not the first alone. */
  readonly isGlobal: boolean;
}

/** @throws UserError for an invalid pattern, or beyond the limits. */
export function replaceInValue(value: string, replacing: Replacing, limits: ExpansionLimits): string {
  const { pattern, replacement, isGlobal } = replacing;
  const steps = stepsOf(pattern, limits);
  const wildcards = new Wildcards(steps, limits);
  const firstMany = steps.findIndex(({ takes }) => takes === 'many');
  const fixed = new Wildcards(firstMany < 0 ? steps : steps.slice(0, firstMany), limits);
  const chars = [...value];
  let out = '';
  let at = 0;
  // As in Go, nothing is not found again where a match ends.
  let end = -1;
  while (at <= chars.length) {
    // Most characters of most values begin nothing: they are not worth a span.
    if (at < chars.length && steps[0]?.takes === 'one' && !steps[0].test(chars[at]!)) {
      out += chars[at++]!;
      continue;
    }
    const length = wildcards.span(chars, at, 'longest');
    if (length !== undefined && !(length === 0 && at === end)) {
      limits.addCharacters(replacement.length);
      out += replacement;
      at += length;
      end = at;
      if (!isGlobal) break;
      if (length > 0) continue;
    }
    // What a star could not find from here on it finds from no later place.
    if (length === undefined && firstMany >= 0 && fixed.span(chars, at, 'longest') !== undefined) break;
    out += chars[at++] ?? '';
  }
  return out + chars.slice(at).join('');
}

const any = (): boolean => true;

/** What a place in a pattern costs to make, in steps of matching. */
const STEPS_A_PLACE = 16;

function stepsOf(pattern: string, limits: ExpansionLimits): PatternStep[] {
  limits.addSteps(pattern.length * STEPS_A_PLACE);
  const steps: PatternStep[] = [];
  for (const [piece, escaped] of pattern.matchAll(/\\([\s\S]?)|[\s\S]/gu)) {
    if (escaped !== undefined) {
      if (!/[}/*?\\]/.test(escaped))
        throw new UserError(`invalid pattern '${pattern}': '${piece}' escapes nothing`);
      steps.push({ takes: 'one', test: (char) => char === escaped });
    } else if (piece === '*') steps.push({ takes: 'many', test: any });
    else steps.push({ takes: 'one', test: piece === '?' ? any : (char) => char === piece });
  }
  return steps;
}
