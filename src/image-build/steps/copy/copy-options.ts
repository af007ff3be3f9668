/**
 * The flags of COPY and ADD.
 */

import { type Instruction, wrongAt } from '../../../dockerfile/dockerfile.js';
import { expandValue, type Lookup } from '../../../dockerfile/words.js';
import { type FileMode, parseFileMode } from '../../stage/file-mode.js';

export interface CopyInstructionOptions {
  readonly from: string | undefined;
  readonly chown: string | undefined;
  readonly mode: FileMode | undefined;
  readonly modeText: string;
  /** Patterns of `.dockerignore`, relative to each source. */
  readonly excludes: readonly string[];
  /** The directories of a source are made at the target too. */
  readonly parents: boolean;
  /** `sha256:HEX` that a file of the web must have, or the beginning of a commit. */
  readonly checksum: string | undefined;
  /** Whether tars are unpacked; undefined: those of the context by ADD. */
  readonly unpack: boolean | undefined;
  readonly keepsGitDirectory: boolean;
  /** The flags with their variables replaced, for history and cache. */
  readonly shown: string;
}

type Found = {
  -readonly [K in keyof Omit<CopyInstructionOptions, 'excludes'>]: CopyInstructionOptions[K];
} & {
  excludes: string[];
};
type Take = (found: Found, value: string) => void;

const COMMON: Readonly<Record<string, Take>> = {
  chown: (found, value) => {
    found.chown = value;
  },
  chmod: (found, value) => {
    found.mode = parseFileMode(value);
    found.modeText = value;
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
      found.checksum = value;
    },
    unpack: (found, value) => {
      found.unpack = value === 'true';
    },
    'keep-git-dir': (found, value) => {
      found.keepsGitDirectory = value === 'true';
    },
  },
};

/** Those that stand for `=true` when they have no value. */
const SWITCHES = new Set(['link', 'parents', 'unpack', 'keep-git-dir']);

/** @throws UserError for a flag or value that means nothing. */
export function copyOptions(instruction: Instruction, lookup: Lookup): CopyInstructionOptions {
  const found: Found = {
    from: undefined,
    chown: undefined,
    mode: undefined,
    modeText: '',
    excludes: [],
    parents: false,
    checksum: undefined,
    unpack: undefined,
    keepsGitDirectory: false,
    shown: '',
  };
  for (const { name, value } of instruction.flags) {
    const take = FLAGS[instruction.keyword]?.[name];
    if (take === undefined) throw wrongAt(instruction, `the flag '--${name}' is not supported`);
    const isSwitch = SWITCHES.has(name);
    const text = expandValue(value ?? (isSwitch ? 'true' : ''), lookup, instruction.escape);
    if (text === '') throw wrongAt(instruction, `the flag '--${name}' has no value`);
    if (isSwitch && !/^(?:true|false)$/i.test(text)) {
      throw wrongAt(instruction, `the flag '--${name}' is true or false, not '${text}'`);
    }
    take(found, isSwitch ? text.toLowerCase() : text);
    found.shown += `--${name}${value === undefined ? '' : `=${text}`} `;
  }
  return found;
}
