/**
 * Records of the store as they are read: a full disk, another version or a hand may have left anything there. What the
 * callers rely on is looked at here once, so that a broken record is told in a line instead of failing somewhere later.
 */

import { UserError } from '../errno/user-error.js';
import { readJson } from './atomic-file.js';

/** What a value must be; the fields of a record are looked at too, those behind `?` where they are there. */
export type Shape =
  | 'text'
  | 'number'
  | 'flag'
  | { readonly listOf: Shape }
  | { readonly mapOf: Shape }
  | { readonly fields: Readonly<Record<string, Shape>> };

/** @returns undefined when there is no such file. @throws UserError for one that does not hold what it must. */
export function readRecord<T>(path: string, shape: Shape): T | undefined {
  const value = readJson(path);
  if (value === undefined) return undefined;
  const wrong = findWrong(value, shape, 'it');
  if (wrong === undefined) return value as T;
  throw new UserError(`cannot read '${path}': ${wrong}`, { hint: "'plyfs doctor' says what can be done" });
}

function findWrong(value: unknown, shape: Shape, what: string): string | undefined {
  if (shape === 'text') return typeof value === 'string' ? undefined : `${what} is no text`;
  if (shape === 'number') return typeof value === 'number' ? undefined : `${what} is no number`;
  if (shape === 'flag') return typeof value === 'boolean' ? undefined : `${what} is neither true nor false`;
  if ('listOf' in shape) {
    if (!Array.isArray(value)) return `${what} is no list`;
    return firstOf(value, (one) => findWrong(one, shape.listOf, `an element of ${what}`));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return `${what} is no record`;
  if ('mapOf' in shape)
    return firstOf(Object.values(value), (one) => findWrong(one, shape.mapOf, `a value of ${what}`));
  return firstOf(Object.entries(shape.fields), ([key, inner]) => {
    const name = key.replace(/\?$/, '');
    const field = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
    return field === undefined && name !== key ? undefined : findWrong(field, inner, `'${name}' of ${what}`);
  });
}

function firstOf<T>(all: readonly T[], find: (one: T) => string | undefined): string | undefined {
  for (const one of all) {
    const found = find(one);
    if (found !== undefined) return found;
  }
  return undefined;
}
