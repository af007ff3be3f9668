/**
 * Here-documents of RUN, COPY and ADD: which words of a line ask for one, and the lines that follow. As BuildKit finds
 * them (frontend/dockerfile/parser): quotes hide an operator, `<<-` takes the tabs away, a quoted word keeps variables.
 */

import { UserError } from '../errno/user-error.js';
import { expandValue } from './words.js';

export interface HereDocument {
  readonly name: string;
  /** Without the tabs that `<<-` takes away. */
  readonly content: string;
  /** As it stands in the Dockerfile. */
  readonly raw: string;
  /** The name was not quoted: variables in the content are replaced. */
  readonly expands: boolean;
}

interface HereOperator {
  readonly name: string;
  /** `<<-` */
  readonly cutsTabs: boolean;
  readonly expands: boolean;
}

/** The operators in a line, in order. */
export function hereOperators(line: string): HereOperator[] {
  return shellWords(line)
    .map(hereDocumentOf)
    .filter((operator) => operator !== undefined);
}

/** A word that is an operator, as `<<EOF`, `3<<-"EOF"`. */
export function hereDocumentOf(word: string): HereOperator | undefined {
  const [, dash, rest = ''] = /^\d*<<(-?)\s*([^<]*)$/.exec(word) ?? [];
  if (rest === '' || /\s/.test(rest.replace(/"[^"]*"|'[^']*'|\\./g, ''))) return undefined;
  const name = expandValue(rest, (variable) => `$${variable}`);
  const isQuoted = /["']/.test(rest.replace(/\\./g, ''));
  return name === '' ? undefined : { name, cutsTabs: dash === '-', expands: !isQuoted };
}

/** Words as a shell would divide them, quotes and escapes kept; none in a line whose quotes have no end. */
function shellWords(line: string): string[] {
  const words: string[] = [];
  let word = '';
  const end = (): void => {
    if (word !== '') words.push(word);
    word = '';
  };
  const piece = /\\[\s\S]?|'[^']*'|"(?:\\[\s\S]|[^"\\])*"|\$\{[^}]*\}|<<[\t\r ]*|\s+|[\s\S]/gy;
  for (const [text] of line.matchAll(piece)) {
    if (text === "'" || text === '"') return [];
    if (/^\s/.test(text)) end();
    else word += text;
  }
  end();
  return words;
}

interface FoundDocuments {
  readonly documents: readonly HereDocument[];
  /** How many lines they take. */
  readonly length: number;
}

/** The documents that follow a line, one after the other. @param lines with their ends. @throws UserError */
export function readDocuments(operators: readonly HereOperator[], lines: readonly string[]): FoundDocuments {
  let at = 0;
  const documents = operators.map(({ name, cutsTabs, expands }) => {
    const begin = at;
    const isEnd = (line: string): boolean => {
      const text = line.replace(/[\r\n]+$/, '');
      return (cutsTabs ? text.replace(/^\t+/, '') : text) === name;
    };
    while (at < lines.length && !isEnd(lines[at]!)) at += 1;
    if (at === lines.length) throw new UserError(`the here-document '${name}' has no end`);
    const raw = lines.slice(begin, at).join('');
    at += 1;
    return { name, raw, content: cutsTabs ? raw.replace(/^\t+/gm, '') : raw, expands };
  });
  return { documents, length: at };
}
