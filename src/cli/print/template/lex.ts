/**
 * The words of a `--format` template, in the syntax of Go's text/template as far as Docker's users write it.
 *
 * A template is text and actions in `{{ }}`; `{{-` and `-}}` take the white space beside them away, `{{/ * * /}}` (without
 * the blanks) is a comment. In the text of lists' formats `\t` and `\n` are escapes, as Docker has it; in those of inspect not.
 */

import { UserError } from '../../../errno/user-error.js';
import { characterOf, type Float, numberOf, textOf } from './go-literals.js';

export interface PathToken {
  readonly kind: 'path';
  readonly variable: string | undefined;
  readonly names: readonly string[];
  /** Where it begins in the template. */
  readonly at: number;
}

export type Token =
  /** `.` alone, `.A.B`, `$`, `$x.A`: the variable, if any, and the names behind it. */
  | PathToken
  | { readonly kind: 'word' | 'mark'; readonly text: string; readonly at: number }
  | {
      readonly kind: 'literal';
      readonly value: string | number | Float;
      readonly at: number;
      /** As it is written. */
      readonly text: string;
    };

export type TemplatePiece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly source: string; readonly tokens: readonly Token[] };

/** What a backslash is in the text between actions. */
export type TextForm = 'escapes' | 'as it is';

/** An action: up to the first `}}` that is neither in quotes nor in a comment. */
const ACTION =
  /(\{\{(?:-\s)?\s*(?:\/\*.*?\*\/|(?:"(?:[^"\\\n]|\\.)*"|`[^`]*`|'(?:[^'\\\n]|\\.)*'|.)*?)(?:\}\}|$))/s;

/** @throws UserError `invalid format 'TEMPLATE': ...` */
export function lexTemplate(template: string, form: TextForm): TemplatePiece[] {
  const pieces: TemplatePiece[] = [];
  let trimNext = false;
  let offset = 0;
  for (const [index, part] of template.split(ACTION).entries()) {
    const start = offset;
    offset += part.length;
    if (index % 2 === 0) {
      const text = trimNext ? part.trimStart() : part;
      const shown = form === 'escapes' ? text.replaceAll('\\t', '\t').replaceAll('\\n', '\n') : text;
      pieces.push({ kind: 'text', text: shown });
      continue;
    }
    const action = /^\{\{(-\s)?(\s*)(.*?)\s*(\s-)?\}\}$/s.exec(part);
    if (!part.endsWith('}}')) {
      throw new UserError(`invalid format '${template}': template: :1: unclosed action`, {
        hint: FORMAT_HINT,
      });
    }
    if (action === null) throw notUnderstood(template, part);
    const [, trimsBefore, blank, body = '', trimsAfter] = action;
    const before = pieces.at(-1);
    if (trimsBefore !== undefined && before?.kind === 'text') {
      pieces[pieces.length - 1] = { kind: 'text', text: before.text.trimEnd() };
    }
    trimNext = trimsAfter !== undefined;
    if (blank === '' && /^\/\*.*\*\/$/s.test(body)) continue;
    if (blank === '' && body.startsWith('/*'))
      throw refused(template, 'comment ends before closing delimiter');
    pieces.push({
      kind: 'action',
      source: part,
      tokens: tokensOf(body, start + part.indexOf(body), () => notUnderstood(template, part)),
    });
  }
  return pieces;
}

const FORMAT_HINT = 'write {{.Key}}, {{json .}} or {{range .List}}{{.Key}} {{end}}';

/** A mistake in Go's words. @param at where it is, as far as Go tells. */
export function refused(template: string, problem: string, at?: number): UserError {
  const place = at === undefined ? '' : `${at}:`;
  return new UserError(`invalid format '${template}': template: :1:${place} ${problem}`);
}

export function notUnderstood(template: string, part: string): UserError {
  return new UserError(`invalid format '${template}': '${part}' is not understood`, { hint: FORMAT_HINT });
}

const TOKEN =
  /\s*(?:(?<number>[-+]?(?:\.\d|\d)(?:[eE][-+]|[\w.])*)|(?<path>(?:\$\w*)?(?:\.[A-Za-z_\u0080-\u{10ffff}][\w\u0080-\u{10ffff}]*)+|\$\w*|\.)|(?<string>"(?:[^"\\\n]|\\.)*")|(?<raw>`[^`]*`)|(?<char>'(?:[^'\\\n]|\\.)+')|(?<word>[A-Za-z_]\w*)|(?<mark>:=|[(),|=]))/suy;

function tokensOf(body: string, start: number, fail: () => UserError): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < body.length) {
    const groups = TOKEN.exec(body)?.groups;
    const token = groups === undefined ? undefined : tokenOf(groups, start + TOKEN.lastIndex);
    if (token === undefined) throw fail();
    tokens.push(token);
  }
  return tokens;
}

/** @param end of the token in the template. @returns undefined for a literal that is none. */
function tokenOf(groups: Readonly<Record<string, string | undefined>>, end: number): Token | undefined {
  const { path, string, raw, char, number, word, mark = '' } = groups;
  if (path !== undefined) {
    const [first = '', ...names] = path.split('.');
    return {
      kind: 'path',
      variable: first === '' ? undefined : first,
      names: names.filter((name) => name !== ''),
      at: end - path.length,
    };
  }
  if (word !== undefined) return { kind: 'word', text: word, at: end - word.length };
  const literal = string ?? raw ?? char ?? number;
  if (literal === undefined) return { kind: 'mark', text: mark, at: end - mark.length };
  const value =
    string !== undefined
      ? textOf(string)
      : raw !== undefined
        ? raw.slice(1, -1)
        : char !== undefined
          ? characterOf(char)
          : numberOf(literal);
  if (value === undefined) return undefined;
  return { kind: 'literal', value, at: end - literal.length, text: literal };
}
