/**
 * The keys that leave a terminal to a command that goes on: `ctrl-p,ctrl-q`, or what `--detach-keys` says.
 */

import { UserError } from '../../../errno/user-error.js';

export const DEFAULT_DETACH_KEYS = 'ctrl-p,ctrl-q';

/** Bytes by the names that Docker has: a character, or `ctrl-` and one of a-z @ [ \ ] ^ _. @throws UserError */
export function parseDetachKeys(text: string): Buffer {
  if (text === '') return Buffer.alloc(0);
  const keys = text.split(',').map((key) => {
    const control = /^ctrl-([a-z@[\\\]^_])$/i.exec(key)?.[1];
    if (control !== undefined) return control.toUpperCase().charCodeAt(0) - 0x40;
    if (/^[\x20-\x7e]$/.test(key)) return key.charCodeAt(0);
    throw new UserError(`invalid detach keys '${text}': unknown key '${key}'`, {
      hint: "keys between commas: a character, or 'ctrl-' and a letter, as 'ctrl-p,ctrl-q'",
    });
  });
  return Buffer.from(keys);
}

interface Typed {
  /** What goes to the command. */
  readonly bytes: Buffer;
  readonly isDetached: boolean;
}

/** Finds the keys in what is typed. What could be their beginning is held back until the next key decides. */
export class DetachFilter {
  readonly #keys: Buffer;
  #matched = 0;

  constructor(keys: Buffer) {
    this.#keys = keys;
  }

  push(typed: Buffer): Typed {
    if (this.#keys.length === 0) return { bytes: typed, isDetached: false };
    const out: number[] = [];
    for (const byte of typed) {
      if (byte !== this.#keys[this.#matched] && this.#matched > 0) {
        out.push(...this.#keys.subarray(0, this.#matched));
        this.#matched = 0;
      }
      if (byte === this.#keys[this.#matched]) this.#matched += 1;
      else out.push(byte);
      if (this.#matched === this.#keys.length) return { bytes: Buffer.from(out), isDetached: true };
    }
    return { bytes: Buffer.from(out), isDetached: false };
  }
}
