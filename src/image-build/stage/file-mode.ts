/**
 * `--chmod` of COPY and ADD: an octal number, or what chmod(1) calls a symbolic mode (`u=rwX,go=rX`).
 */

import { UserError } from '../../errno/user-error.js';
import { S_IFDIR } from '../../linux/constants.js';

/** The permission bits of a copy, given the mode and type of its source. */
export type FileMode = (mode: number, type: number) => number;

const ALL = 0o7777;
const WHO: Readonly<Record<string, number>> = { u: 0o4700, g: 0o2070, o: 0o1007, a: ALL };
const SHIFTS: Readonly<Record<string, number>> = { u: 6, g: 3, o: 0 };
const PERMISSIONS: Readonly<Record<string, number>> = {
  r: 0o444,
  w: 0o222,
  x: 0o111,
  X: 0o111,
  s: 0o6000,
  t: 0o1000,
};

/** @throws UserError */
export function parseFileMode(text: string): FileMode {
  if (/^[0-7]+$/.test(text)) {
    const mode = Number.parseInt(text, 8);
    if (mode <= ALL) return () => mode;
  }
  const clauses = text.split(',').map((clause) => {
    const [, who = '', actions = ''] = /^([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)$/.exec(clause) ?? [];
    if (actions === '') {
      throw new UserError(`invalid mode '${text}'`, { hint: 'write it as 755, or as u=rwX,go=rX' });
    }
    return { who: who === '' ? 'a' : who, actions: [...actions.matchAll(/([-+=])([a-zA-Z]*)/g)] };
  });
  return (mode, type) => {
    let bits = mode & ALL;
    for (const { who, actions } of clauses) {
      for (const [, operator = '', permissions = ''] of actions) {
        bits = change(bits, { who, operator, permissions, isDirectory: type === S_IFDIR });
      }
    }
    return bits;
  };
}

interface Action {
  readonly who: string;
  readonly operator: string;
  readonly permissions: string;
  readonly isDirectory: boolean;
}

function change(bits: number, { who, operator, permissions, isDirectory }: Action): number {
  const mask = [...who].reduce((sum, one) => sum | WHO[one]!, 0);
  const given = givenBits(bits, permissions, { isDirectory }) & mask;
  if (operator === '+') return bits | given;
  if (operator === '-') return bits & ~given;
  return (bits & ~mask) | given;
}

function givenBits(
  bits: number,
  permissions: string,
  { isDirectory }: { readonly isDirectory: boolean },
): number {
  if (/^[ugo]$/.test(permissions)) return ((bits >> SHIFTS[permissions]!) & 7) * 0o111;
  return [...permissions].reduce((sum, one) => {
    const means = one !== 'X' || isDirectory || (bits & 0o111) !== 0;
    return means ? sum | PERMISSIONS[one]! : sum;
  }, 0);
}
