/**
 * A Dockerfile as stages of instructions. What their words mean is found when they are carried out, since variables
 * change on the way.
 */

import { hasCode } from '../errno/error-code.js';
import { FsError } from '../errno/fs-error.js';
import { UserError } from '../errno/user-error.js';
import type { HereDocument } from './here-documents.js';
import { type Flag, splitFlags } from './instruction-flags.js';
import { type LogicalLine, readLines } from './logical-lines.js';

export type { HereDocument } from './here-documents.js';
export type { Flag } from './instruction-flags.js';

export interface Instruction {
  /** Upper case. */
  readonly keyword: string;
  /** The keyword as it is written. */
  readonly typed: string;
  /** From 1. */
  readonly line: number;
  /** Arguments after the flags, continued lines joined, comments and here-documents gone. */
  readonly text: string;
  readonly flags: readonly Flag[];
  readonly heredocs: readonly HereDocument[];
  /** The escape character. */
  readonly escape: string;
}

export interface Stage {
  /** Lower case; undefined: known by its number alone. */
  readonly name: string | undefined;
  readonly from: Instruction;
  readonly instructions: readonly Instruction[];
}

export interface Dockerfile {
  /** Before the first FROM. */
  readonly globalArgs: readonly Instruction[];
  readonly stages: readonly Stage[];
  /** The directive `check`. */
  readonly check: string | undefined;
}

const KNOWN = new Set(
  'ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER VOLUME WORKDIR'.split(
    ' ',
  ),
);

/** @throws UserError `FILE: line LINE: what is wrong`. */
export function parseDockerfile(text: string, file: string): Dockerfile {
  return inFile(file, () => {
    const { directives, lines } = readLines(text);
    const instructions = lines.map((line) => readInstruction(line, directives.escape));
    return { ...splitStages(instructions), check: directives.check };
  });
}

const NO_TRIGGER = new Set(['FROM', 'ONBUILD', 'MAINTAINER']);

/** The instruction of an ONBUILD, as if it stood at `at`. @throws UserError */
export function parseTrigger(text: string, at: Instruction): Instruction {
  try {
    return { ...readTrigger(text), line: at.line };
  } catch (error) {
    throw atInstruction(at, error);
  }
}

/** The instruction of an ONBUILD. @throws UserError */
export function readTrigger(text: string): Instruction {
  const { directives, lines } = readLines(text);
  const [line, ...more] = lines;
  const instruction = line && readInstruction(line, directives.escape);
  const isTrigger = instruction && KNOWN.has(instruction.keyword) && !NO_TRIGGER.has(instruction.keyword);
  if (!isTrigger || more.length > 0) throw new UserError(`'${text}' is no instruction that ONBUILD may have`);
  return instruction;
}

/** The text of a trigger that ONBUILD keeps, with its here-documents. */
export function triggerText({ text, heredocs }: Instruction): string {
  return [text, ...heredocs.map(({ raw, name }) => `${raw}${name}`)].join('\n');
}

/** Errors of instructions carry their line in the message. */
export function wrongAt(instruction: Instruction, message: string, hint?: string): UserError {
  return new UserError(`line ${instruction.line}: ${instruction.keyword}: ${message}`, {
    code: 'ERR_AT_LINE',
    hint,
  });
}

/** What was thrown, with the line of the instruction where it has none. */
export function atInstruction(instruction: Instruction, error: unknown): unknown {
  if (error instanceof FsError) return wrongAt(instruction, error.message);
  if (!(error instanceof UserError) || hasCode(error, 'ERR_AT_LINE')) return error;
  return wrongAt(instruction, error.message, error.hint);
}

function inFile<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`${file}: ${error.message}`, { hint: error.hint, cause: error.cause });
  }
}

function splitStages(instructions: readonly Instruction[]): Omit<Dockerfile, 'check'> {
  const globalArgs: Instruction[] = [];
  const stages: { name: string | undefined; from: Instruction; instructions: Instruction[] }[] = [];
  for (const instruction of instructions) {
    if (!KNOWN.has(instruction.keyword)) throw wrongAt(instruction, 'there is no such instruction');
    const stage = stages.at(-1);
    if (instruction.keyword === 'FROM') {
      const name = stageName(instruction);
      stages.push({ name, from: instruction, instructions: [] });
    } else if (stage) stage.instructions.push(instruction);
    else if (instruction.keyword === 'ARG') globalArgs.push(instruction);
    else throw wrongAt(instruction, 'only ARG may stand before the first FROM');
  }
  if (stages.length === 0) throw new UserError('there is no FROM in it');
  return { globalArgs, stages };
}

/** `FROM IMAGE [AS NAME]` */
function stageName(from: Instruction): string | undefined {
  const words = from.text.trim().split(/\s+/);
  if (words.length === 1 && words[0] !== '') return undefined;
  const [, as, name] = words;
  if (words.length !== 3 || as?.toLowerCase() !== 'as' || name === undefined) {
    throw wrongAt(from, `'${from.text.trim()}' is not IMAGE or IMAGE AS NAME`);
  }
  if (!/^[a-z][a-z0-9_.-]*$/i.test(name)) throw wrongAt(from, `invalid stage name '${name}'`);
  return name.toLowerCase();
}

const INSTRUCTION = /^(\S+)(?:[\t\v\f\r ]+([\s\S]*))?$/;

function readInstruction({ line, text, heredocs }: LogicalLine, escapeChar: string): Instruction {
  const [, typed = '', rest = ''] = INSTRUCTION.exec(text.trim()) ?? [];
  const { flags, rest: words } = splitFlags(rest, escapeChar);
  return { keyword: typed.toUpperCase(), typed, line, text: words, flags, heredocs, escape: escapeChar };
}
