/**
 * The instructions of a Dockerfile as text: directives at its top, comments gone, continued lines joined, here-documents
 * apart. Line by line as BuildKit does it (frontend/dockerfile/parser/parser.go), with any ends of lines.
 */

import { UserError } from '../errno/user-error.js';
import { type HereDocument, hereOperators, readDocuments } from './here-documents.js';

export interface LogicalLine {
  /** From 1. */
  readonly line: number;
  /** As one line, without blanks at its beginning. */
  readonly text: string;
  readonly heredocs: readonly HereDocument[];
}

interface Directives {
  /** `\` or a backquote. */
  readonly escape: string;
  /** `skip=...;error=true` of build checks. */
  readonly check: string | undefined;
}

interface LogicalLines {
  readonly directives: Directives;
  readonly lines: readonly LogicalLine[];
}

/** @throws UserError `line N: what is wrong`. */
export function readLines(source: string): LogicalLines {
  const raw = source.replace(/^\uFEFF/, '').match(/[^\n]*\n|[^\n]+$/g) ?? [];
  const directives = readDirectives(raw);
  const lines: LogicalLine[] = [];
  for (let at = 0; at < raw.length; ) {
    const { text, length } = joinFrom(raw, at, directives.escape);
    const line = at + 1;
    at += length;
    if (text === '') continue;
    const { documents, length: taken } = documentsAfter(text, line, raw.slice(at));
    at += taken;
    lines.push({ line, text, heredocs: documents });
  }
  return { directives, lines };
}

/** Continued lines as one; comments and empty lines between them vanish. */
function joinFrom(
  raw: readonly string[],
  start: number,
  escapeChar: string,
): { text: string; length: number } {
  const first = raw[start]!.replace(/[\r\n]+$/, '').trimStart();
  let [text, isContinued] = withoutContinuation(isComment(first) ? '' : first, escapeChar);
  let at = start + 1;
  while (isContinued && at < raw.length) {
    const line = raw[at]!.replace(/[\r\n]+$/, '');
    at += 1;
    if (isComment(line) || line.trim() === '') continue;
    const [more, goesOn] = withoutContinuation(line, escapeChar);
    text += more;
    isContinued = goesOn;
  }
  return { text, length: at - start };
}

/** The escape character at the end, unless another one stands before it. */
function withoutContinuation(line: string, escapeChar: string): [text: string, isContinued: boolean] {
  const bare = line.replace(/[ \t]+$/, '');
  const isContinued = bare.endsWith(escapeChar) && bare.at(-2) !== escapeChar;
  return isContinued ? [bare.slice(0, -1), true] : [line, false];
}

function isComment(line: string): boolean {
  return /^\s*#/.test(line);
}

const MAY_HAVE_DOCUMENTS = /^(?:ONBUILD\s+)?(?:RUN|COPY|ADD)\s/i;
const JSON_FORM = /^(?:ONBUILD\s+)?[A-Z]+\s+(?:--\S+\s+)*(\[[\s\S]*)$/i;

function documentsAfter(
  text: string,
  line: number,
  rest: readonly string[],
): { documents: readonly HereDocument[]; length: number } {
  if (!MAY_HAVE_DOCUMENTS.test(text) || !text.includes('<<') || isJson(JSON_FORM.exec(text)?.[1] ?? '')) {
    return { documents: [], length: 0 };
  }
  try {
    return readDocuments(hereOperators(text), rest);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const [keyword = ''] = text.split(/\s/, 1);
    throw new UserError(`line ${line}: ${keyword.toUpperCase()}: ${error.message}`, {
      code: 'ERR_AT_LINE',
      cause: error,
    });
  }
}

function isJson(text: string): boolean {
  try {
    return Array.isArray(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

const KNOWN_DIRECTIVES = new Set(['syntax', 'escape', 'check']);

/** Those that stand before anything else; the first line that is none ends them. */
function readDirectives(raw: readonly string[]): Directives {
  const found = new Map<string, string>();
  for (const [index, line] of raw.entries()) {
    const [, name = '', value = ''] = /^\s*#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/.exec(line) ?? [];
    const key = name.toLowerCase();
    if (!KNOWN_DIRECTIVES.has(key)) break;
    if (found.has(key))
      throw new UserError(`line ${index + 1}: the directive '${key}' may stand there once`, {
        code: 'ERR_AT_LINE',
      });
    found.set(key, value);
    if (key === 'escape' && value !== '\\' && value !== '`') {
      throw new UserError(`line ${index + 1}: '${value}' is no escape character`, {
        code: 'ERR_AT_LINE',
        hint: 'write \\ or `',
      });
    }
  }
  return { escape: found.get('escape') ?? '\\', check: found.get('check') };
}
