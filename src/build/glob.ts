/**
 * Patterns of COPY and ADD: Go's filepath.Match, component by component. `*` and `?` match no slash.
 */

import { posix } from 'node:path';
import { UserError } from '../errno/user-error.js';

export function hasWildcard(pattern: string): boolean {
  return /[*?[\\]/.test(pattern);
}

/** What a pattern matches below a directory, in no order; `entries` lists one, and is empty for what is none. */
export function expandPattern(pattern: string, entries: (path: string) => readonly string[]): string[] {
  let paths = [''];
  for (const component of pattern.split('/').filter((part) => part !== '' && part !== '.')) {
    const matches = componentMatcher(component);
    paths = paths.flatMap((path) =>
      entries(path)
        .filter((name) => matches(name))
        .map((name) => posix.join(path, name)),
    );
  }
  return paths;
}

/** A test for one path component. @throws UserError for a bracket without an end. */
export function componentMatcher(pattern: string): (name: string) => boolean {
  const expression = new RegExp(`^${translate(pattern)}$`, 's');
  return (name) => expression.test(name);
}

function translate(pattern: string): string {
  let out = '';
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern[at]!;
    if (char === '*') out += '[^/]*';
    else if (char === '?') out += '[^/]';
    else if (char === '[') {
      const end = classEnd(pattern, at);
      out += translateClass(pattern.slice(at + 1, end));
      at = end;
    } else if (char === '\\' && at + 1 < pattern.length) {
      at += 1;
      out += quote(pattern[at]!);
    } else out += quote(char);
  }
  return out;
}

function classEnd(pattern: string, start: number): number {
  let at = start + 1;
  if (pattern[at] === '^') at += 1;
  if (pattern[at] === ']') at += 1;
  while (at < pattern.length && pattern[at] !== ']') at += pattern[at] === '\\' ? 2 : 1;
  if (at >= pattern.length) throw new UserError(`invalid pattern '${pattern}': a bracket has no end`);
  return at;
}

/** Ranges mean the same in a regular expression; what else has a meaning there is quoted. */
function translateClass(inside: string): string {
  const isNegated = inside.startsWith('^');
  const body = (isNegated ? inside.slice(1) : inside).replace(/\\(.)/gs, '$1').replace(/[\\\]^[]/g, '\\$&');
  return `[${isNegated ? '^/' : ''}${body}]`;
}

function quote(char: string): string {
  return char.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}
