/** Arguments of a call, as they come from outside: each is read with its type. */

import { UserError } from '../errno/user-error.js';

export class CallArguments {
  readonly #values: Readonly<Record<string, unknown>>;

  /** @throws UserError for what is no object. */
  constructor(value: unknown) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new UserError('invalid arguments: no object');
    this.#values = value as Record<string, unknown>;
  }

  /** @throws UserError when it is missing or no text. */
  text(key: string): string {
    const value = this.optionalText(key);
    if (value === undefined) throw new UserError(`invalid arguments: '${key}' is missing`);
    return value;
  }

  /** @throws UserError when it is no text, or holds a NUL. */
  optionalText(key: string): string | undefined {
    const value = this.#values[key];
    if (value === undefined) return undefined;
    if (typeof value !== 'string' || value.includes('\0'))
      throw new UserError(`invalid arguments: '${key}' is no text`);
    return value;
  }

  /** @throws UserError when it is no whole number from 0 on. */
  number(key: string): number | undefined {
    const value = this.#values[key];
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
      throw new UserError(`invalid arguments: '${key}' is no number`);
    return value;
  }

  /** @throws UserError when it is neither true nor false. */
  flag(key: string): boolean | undefined {
    const value = this.#values[key];
    if (value === undefined) return undefined;
    if (typeof value !== 'boolean')
      throw new UserError(`invalid arguments: '${key}' is neither true nor false`);
    return value;
  }

  /** @throws UserError when it is no list of texts; none where it is missing. */
  texts(key: string): readonly string[] {
    return this.#list(key).map((one) => {
      if (typeof one !== 'string') throw new UserError(`invalid arguments: '${key}' is no list of texts`);
      return one;
    });
  }

  /** @throws UserError when it is no list of whole numbers. */
  optionalNumbers(key: string): readonly number[] | undefined {
    if (this.#values[key] === undefined) return undefined;
    return this.#list(key).map((one) => {
      if (!Number.isSafeInteger(one))
        throw new UserError(`invalid arguments: '${key}' is no list of numbers`);
      return one as number;
    });
  }

  /** @throws UserError when it is no list of objects; none where it is missing. */
  records(key: string): readonly CallArguments[] {
    return this.#list(key).map((one) => new CallArguments(one));
  }

  #list(key: string): readonly unknown[] {
    const value = this.#values[key] ?? [];
    if (!Array.isArray(value)) throw new UserError(`invalid arguments: '${key}' is no list`);
    return value as readonly unknown[];
  }
}
