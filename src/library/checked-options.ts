/** Arguments of the library as JavaScript gives them: looked at before anything is done, with one error for all that is wrong. */

import { UserError } from '../errno/user-error.js';

type Kind =
  | 'string'
  | 'boolean'
  | 'number'
  | 'function'
  | 'strings'
  | 'texts by name'
  | 'signal'
  | 'bytes'
  | readonly string[];

/** What each option must be. */
export type OptionKinds<T> = { readonly [K in keyof Required<T>]: Kind };

/**
 * The options, when they are an object with these keys alone, each of its kind or undefined.
 * @throws UserError with the code ERR_INVALID_ARGUMENT, which names what was called, the option and what it is.
 */
export function checkedOptions<T extends object>(called: string, options: T, kinds: OptionKinds<T>): T {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw invalidArgument(called, `its options are an object, not ${shownValue(options)}`);
  for (const [key, value] of Object.entries(options)) {
    const kind: Kind | undefined = Object.hasOwn(kinds, key) ? kinds[key as keyof T] : undefined;
    if (kind === undefined)
      throw invalidArgument(
        called,
        `it has no option '${key}'`,
        `there are ${Object.keys(kinds).join(', ') || 'none'}`,
      );
    if (value !== undefined && !isOfKind(value, kind))
      throw invalidArgument(called, `the option '${key}' is ${wordsOf(kind)}, not ${shownValue(value)}`);
  }
  return options;
}

/** A name, id or path. @throws UserError with the code ERR_INVALID_ARGUMENT */
export function checkedText(called: string, what: string, value: string): string {
  if (typeof value !== 'string' || value === '')
    throw invalidArgument(called, `the ${what} is text, not ${shownValue(value)}`);
  return value;
}

/** A command and its arguments, or names. @throws UserError with the code ERR_INVALID_ARGUMENT */
export function checkedTexts(called: string, what: string, value: readonly string[]): readonly string[] {
  if (!isOfKind(value, 'strings') || value.length === 0)
    throw invalidArgument(called, `the ${what} is an array of texts, not ${shownValue(value)}`);
  return value;
}

/** The error for an argument that is wrong. */
export function invalidArgument(called: string, why: string, hint?: string): UserError {
  return new UserError(`${called}: ${why}`, { code: 'ERR_INVALID_ARGUMENT', hint });
}

const WORDS: Readonly<Record<Exclude<Kind, readonly string[]>, string>> = {
  string: 'text',
  boolean: 'true or false',
  number: 'a number',
  function: 'a function',
  strings: 'an array of texts',
  'texts by name': 'an object of texts',
  signal: 'an AbortSignal',
  bytes: 'text or bytes',
};

function wordsOf(kind: Kind): string {
  return typeof kind === 'string' ? WORDS[kind] : `one of ${kind.join(', ')}`;
}

function isOfKind(value: unknown, kind: Kind): boolean {
  if (typeof kind !== 'string') return typeof value === 'string' && kind.includes(value);
  switch (kind) {
    case 'strings':
      return Array.isArray(value) && value.every((one) => typeof one === 'string');
    case 'signal':
      return value instanceof AbortSignal;
    case 'bytes':
      return typeof value === 'string' || value instanceof Uint8Array;
    case 'number':
      return typeof value === 'number' && Number.isFinite(value);
    case 'texts by name':
      return (
        typeof value === 'object' &&
        value !== null &&
        !Array.isArray(value) &&
        Object.values(value).every((one) => typeof one === 'string')
      );
    default:
      return typeof value === kind;
  }
}

/** What is wrong, for the message. */
export function shownValue(value: unknown): string {
  if (typeof value === 'string') return value === '' ? 'empty' : `'${value}'`;
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'function') return 'a function';
  if (value === null || typeof value !== 'object') return String(value);
  return 'an object';
}
