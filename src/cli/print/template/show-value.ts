/** Values of templates as text, as Go prints them. */

import { isFreeMap } from '../free-maps.js';
import { formatFloat } from './format-float.js';
import { Float } from './go-literals.js';

/** Thrown by a function for arguments that it cannot take; the message says why. */
export class BadArgument extends Error {
  /** What is to blame: the call, the number of its arguments, or the type of the one at a position. */
  readonly blamed: 'call' | 'count' | { readonly index: number; readonly wanted: string };

  constructor(message: string, blamed: BadArgument['blamed'] = 'call') {
    super(message);
    this.blamed = blamed;
  }
}

/** As Go prints it: `[a b]`, `map[a:1 b:2]` in the order of the keys, `<nil>`; `<no value>` where a map has no such key. */
export function showValue(value: unknown): string {
  if (value === undefined) return '<no value>';
  if (value === null) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(showValue).join(' ')}]`;
  if (value instanceof Float)
    return `${value.value < 0 ? '-' : ''}${formatFloat(Math.abs(value.value), 'v', undefined)}`;
  if (typeof value !== 'object') return String(value);
  const keys = Object.keys(value).sort();
  const fields = keys.map((key) => `${key}:${showField((value as Record<string, unknown>)[key])}`);
  return `map[${fields.join(' ')}]`;
}

/** `{}` for a map's value without fields: a Go map of which only the keys count. */
function showField(value: unknown): string {
  const isBare = typeof value === 'object' && value !== null && Object.keys(value).length === 0;
  return isBare && !Array.isArray(value) ? '{}' : showValue(value ?? null);
}

/** A record of fixed fields, as Go prints a struct: `{a 1 [x]}`. @param name the key that it stands under. */
export function showRecord(value: unknown, name: string): string {
  if (Array.isArray(value)) return `[${value.map((each) => showRecord(each, name)).join(' ')}]`;
  if (typeof value !== 'object' || value === null) return showValue(value);
  const fields = Object.entries(value).map(([key, field]: [string, unknown]) =>
    isFreeMap(key, name) ? showValue(field ?? {}) : showRecord(field ?? null, key),
  );
  return `{${fields.join(' ')}}`;
}
