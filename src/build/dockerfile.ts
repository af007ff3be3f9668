/**
 * A Dockerfile as stages of instructions. dockerfile-ast finds the instructions, flags and here-documents; what their
 * words mean is found when they are carried out, since variables change on the way.
 */

import type { Copy, Heredoc } from 'dockerfile-ast';
import { DockerfileParser, type Instruction as Node } from 'dockerfile-ast';
import { FsError } from '../errno/fs-error.js';
import { UserError } from '../errno/user-error.js';

export interface Instruction {
  /** Upper case. */
  readonly keyword: string;
  /** From 1. */
  readonly line: number;
  /** Arguments after the flags, continued lines joined, comments gone, here-documents still in it. */
  readonly text: string;
  readonly flags: readonly Flag[];
  readonly heredocs: readonly HereDocument[];
  /** The escape character. */
  readonly escape: string;
}

export interface Flag {
  readonly name: string;
  /** Undefined: `--name` alone. */
  readonly value: string | undefined;
}

export interface HereDocument {
  readonly name: string;
  readonly content: string;
  /** The name was not quoted: variables in the content are replaced. */
  readonly expands: boolean;
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
}

const KNOWN = new Set(
  'ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER VOLUME WORKDIR'.split(
    ' ',
  ),
);

/** @throws UserError `FILE:LINE: what is wrong`. */
export function parseDockerfile(text: string, file: string): Dockerfile {
  const source = text.replaceAll('\r\n', '\n').replace(/^\uFEFF/, '');
  const parsed = DockerfileParser.parse(source);
  const escapeChar = parsed.getEscapeCharacter();
  const lines = source.split('\n');
  return atLine(file, () => {
    const instructions = parsed
      .getInstructions()
      .map((node) => readInstruction(node, lines, escapeChar))
      .filter((instruction) => instruction.keyword !== '');
    return splitStages(instructions);
  });
}

const NO_TRIGGER = new Set(['FROM', 'ONBUILD', 'MAINTAINER']);

/** The instruction of an ONBUILD, as if it stood at `at`. @throws UserError */
export function parseTrigger(text: string, at: Instruction): Instruction {
  const lines = text.split('\n');
  const [node] = DockerfileParser.parse(text).getInstructions();
  const instruction = node && readInstruction(node, lines, at.escape);
  if (instruction === undefined || !KNOWN.has(instruction.keyword) || NO_TRIGGER.has(instruction.keyword)) {
    throw wrongAt(at, `'${text}' is no instruction that ONBUILD may have`);
  }
  return { ...instruction, line: at.line };
}

/** Errors of instructions carry their line in the message. */
export function wrongAt(instruction: Instruction, message: string, hint?: string): UserError {
  return new UserError(`line ${instruction.line}: ${instruction.keyword}: ${message}`, { hint });
}

/** What was thrown, with the line of the instruction where it has none. */
export function atInstruction(instruction: Instruction, error: unknown): unknown {
  if (error instanceof FsError) return wrongAt(instruction, error.message);
  if (!(error instanceof UserError) || /^line \d+: /.test(error.message)) return error;
  return wrongAt(instruction, error.message, error.hint);
}

function atLine<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`${file}: ${error.message}`, { hint: error.hint, cause: error.cause });
  }
}

function splitStages(instructions: readonly Instruction[]): Dockerfile {
  const globalArgs: Instruction[] = [];
  const stages: { name: string | undefined; from: Instruction; instructions: Instruction[] }[] = [];
  for (const instruction of instructions) {
    if (!KNOWN.has(instruction.keyword)) throw wrongAt(instruction, 'there is no such instruction');
    const stage = stages.at(-1);
    if (instruction.keyword === 'FROM') {
      const name = stageName(instruction);
      if (name !== undefined && stages.some((other) => other.name === name)) {
        throw wrongAt(instruction, `there is a stage '${name}' already`);
      }
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

function readInstruction(node: Node, lines: readonly string[], escapeChar: string): Instruction {
  const { start, end } = node.getRange();
  const { heredocs, open } = readHeredocs(heredocsOf(node), lines);
  const own = lines.slice(start.line, end.line + 1);
  // A here-document's lines are not ours: no comments, no continuation in them.
  const text = heredocs.length > 0 ? own.join('\n') : joinLines(own, escapeChar);
  const { flags, rest } = splitFlags(text.trimStart().slice(node.getInstruction().length));
  const instruction = {
    keyword: node.getKeyword(),
    line: start.line + 1,
    text: rest,
    flags,
    heredocs,
    escape: escapeChar,
  };
  if (open !== undefined) throw wrongAt(instruction, `the here-document '${open}' has no end`);
  return instruction;
}

function heredocsOf(node: Node): Heredoc[] {
  return 'getHeredocs' in node ? (node as Copy).getHeredocs() : [];
}

/** Their contents follow one another, each up to a line with its name; dockerfile-ast's own ranges run past it. */
function readHeredocs(
  nodes: readonly Heredoc[],
  lines: readonly string[],
): { readonly heredocs: HereDocument[]; readonly open: string | undefined } {
  let at = (nodes[0]?.getStartRange().start.line ?? 0) + 1;
  let open: string | undefined;
  const heredocs = nodes.map((node) => {
    const { start } = node.getStartRange();
    const operator = lines[start.line]?.slice(start.character) ?? '';
    const name = node.getName();
    // `<<-` takes the tabs away.
    const cut = operator.startsWith('<<-') ? /^\t+/ : /^/;
    const content: string[] = [];
    while (at < lines.length && lines[at]?.replace(cut, '') !== name) {
      content.push(`${lines[at]?.replace(cut, '')}\n`);
      at += 1;
    }
    if (at >= lines.length) open ??= name;
    at += 1;
    return { name, content: content.join(''), expands: !/^<<-?["']/.test(operator) };
  });
  return { heredocs, open };
}

/** Continued lines as one; comment lines and empty lines between them vanish. */
function joinLines(lines: readonly string[], escapeChar: string): string {
  const continued = new RegExp(`${escapeChar === '\\' ? '\\\\' : '`'}[ \\t]*$`);
  return lines
    .filter((line, index) => index === 0 || !/^\s*(#|$)/.test(line))
    .map((line) => line.replace(continued, ''))
    .join('');
}

function splitFlags(text: string): { flags: Flag[]; rest: string } {
  const flags: Flag[] = [];
  let rest = text.trimStart();
  for (;;) {
    const flag = /^--([a-z][a-z-]*)(?:=("[^"]*"|'[^']*'|\S*))?(?:\s+|$)/.exec(rest);
    if (flag?.[1] === undefined) return { flags, rest };
    flags.push({ name: flag[1], value: flag[2]?.replace(/^(["'])(.*)\1$/, '$2') });
    rest = rest.slice(flag[0].length);
  }
}
