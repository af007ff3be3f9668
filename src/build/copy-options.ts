/**
 * The flags of COPY and ADD.
 */

import { UserError } from '../errno/user-error.js';
import { expandValue, type Lookup } from '../image/words.js';
import { type Instruction, wrongAt } from './dockerfile.js';

export interface CopyOptions {
  readonly from: string | undefined;
  readonly chown: string | undefined;
  readonly mode: number | undefined;
  /** Patterns of `.dockerignore`, relative to each source. */
  readonly excludes: readonly string[];
  /** The directories of a source are made at the target too. */
  readonly parents: boolean;
  /** `sha256:HEX` that a file of the web must have. */
  readonly checksum: string | undefined;
  /** The flags with their variables replaced, for history and cache. */
  readonly shown: string;
}

type Found = { -readonly [K in keyof Omit<CopyOptions, 'excludes'>]: CopyOptions[K] } & {
  excludes: string[];
};
type Take = (found: Found, value: string) => void;

const COMMON: Readonly<Record<string, Take>> = {
  chown: (found, value) => {
    found.chown = value;
  },
  chmod: (found, value) => {
    found.mode = modeOf(value);
  },
  exclude: (found, value) => {
    found.excludes.push(value);
  },
  // A layer here has nothing but the copies in any case.
  link: () => undefined,
};

const FLAGS: Readonly<Record<string, Readonly<Record<string, Take>>>> = {
  COPY: {
    ...COMMON,
    from: (found, value) => {
      found.from = value;
    },
    parents: (found, value) => {
      found.parents = value === 'true';
    },
  },
  ADD: {
    ...COMMON,
    checksum: (found, value) => {
      if (!/^sha256:[0-9a-f]{64}$/.test(value)) throw new UserError(`'${value}' is no sha256 digest`);
      found.checksum = value;
    },
  },
};

/** Those that stand for `=true` when they have no value. */
const SWITCHES = new Set(['link', 'parents']);

/** @throws UserError for a flag or value that means nothing. */
export function copyOptions(instruction: Instruction, lookup: Lookup): CopyOptions {
  const found: Found = {
    from: undefined,
    chown: undefined,
    mode: undefined,
    excludes: [],
    parents: false,
    checksum: undefined,
    shown: '',
  };
  for (const { name, value } of instruction.flags) {
    const take = FLAGS[instruction.keyword]?.[name];
    if (take === undefined) throw wrongAt(instruction, `the flag '--${name}' is not supported`);
    const isSwitch = SWITCHES.has(name);
    const text = expandValue(value ?? (isSwitch ? 'true' : ''), lookup, instruction.escape);
    if (text === '') throw wrongAt(instruction, `the flag '--${name}' has no value`);
    if (isSwitch && text !== 'true' && text !== 'false') {
      throw wrongAt(instruction, `the flag '--${name}' is true or false, not '${text}'`);
    }
    take(found, text);
    found.shown += `--${name}${value === undefined ? '' : `=${text}`} `;
  }
  return found;
}

function modeOf(text: string): number {
  if (!/^[0-7]{1,4}$/.test(text)) throw new UserError(`invalid mode '${text}'`, { hint: 'write it as 755' });
  return Number.parseInt(text, 8);
}
