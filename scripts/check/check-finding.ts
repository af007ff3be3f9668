/**
 * What a source rule of `npm run check` gets and gives: one text file of the repository, and the lines of it that
 * break the rule. Rules are pure functions of these, so that each is tested on a text that must fail.
 */

export interface SourceFile {
  /** Relative to the repository, with `/`. */
  readonly path: string;
  readonly text: string;
}

export interface Finding {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly message: string;
}

export type Rule = (file: SourceFile) => Finding[];

/** The line, from 1, on which the character at `index` stands. */
export function lineAt(text: string, index: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < index; at = text.indexOf('\n', at + 1)) line++;
  return line;
}

/** A finding for each match of `pattern` (global) in the text. */
export function findMatches(
  file: SourceFile,
  pattern: RegExp,
  message: (match: string) => string,
): Finding[] {
  return Array.from(file.text.matchAll(pattern), (match) => ({
    path: file.path,
    line: lineAt(file.text, match.index),
    message: message(match[0]),
  }));
}
