/**
 * The words of a `--format` template, in the syntax of Go's text/template as far as Docker's users write it.
 *
 * A template is text and actions in `{{ }}`; `{{-` and `-}}` take the white space beside them away, `{{/ * * /}}` (without
 * the blanks) is a comment. In the text, `\t` and `\n` are escapes, as in Docker's formats.
 */

import { UserError } from '../../errno/user-error.js';

export interface PathToken {
  readonly kind: 'path';
  readonly variable: string | undefined;
  readonly names: readonly string[];
  /** Where it begins in the template, for messages. */
  readonly at: number;
}

export type Token =
  /** `.` alone, `.A.B`, `$`, `$x.A`: the variable, if any, and the names behind it. */
  | PathToken
  | { readonly kind: 'word' | 'mark'; readonly text: string }
  | { readonly kind: 'literal'; readonly value: string | number };

export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly source: string; readonly tokens: readonly Token[] };

/** @throws UserError `invalid format 'TEMPLATE': ...` */
export function lexTemplate(template: string): Piece[] {
  const pieces: Piece[] = [];
  let trimNext = false;
  let offset = 0;
  for (const [index, part] of template.split(/(\{\{.*?(?:\}\}|$))/s).entries()) {
    const start = offset;
    offset += part.length;
    if (index % 2 === 0) {
      const text = trimNext ? part.trimStart() : part;
      pieces.push({ kind: 'text', text: text.replaceAll('\\t', '\t').replaceAll('\\n', '\n') });
      continue;
    }
    const action = /^\{\{(- )?\s*(.*?)\s*( -)?\}\}$/s.exec(part);
    if (!part.endsWith('}}')) {
      throw new UserError(`invalid format '${template}': template: :1: unclosed action`, {
        hint: FORMAT_HINT,
      });
    }
    if (action === null) throw notUnderstood(template, part);
    const [, trimsBefore, body = '', trimsAfter] = action;
    const before = pieces.at(-1);
    if (trimsBefore !== undefined && before?.kind === 'text') {
      pieces[pieces.length - 1] = { kind: 'text', text: before.text.trimEnd() };
    }
    trimNext = trimsAfter !== undefined;
    if (/^\/\*.*\*\/$/s.test(body)) continue;
    pieces.push({
      kind: 'action',
      source: part,
      tokens: tokensOf(body, start + part.indexOf(body), () => notUnderstood(template, part)),
    });
  }
  return pieces;
}

const FORMAT_HINT = 'write {{.Key}}, {{json .}} or {{range .List}}{{.Key}} {{end}}';

export function notUnderstood(template: string, part: string): UserError {
  return new UserError(`invalid format '${template}': '${part}' is not understood`, { hint: FORMAT_HINT });
}

const TOKEN =
  /\s*(?:(?<path>(?:\$\w*)?(?:\.\w+)+|\$\w*|\.)|(?<string>"(?:[^"\\\n]|\\.)*")|(?<raw>`[^`]*`)|(?<number>-?\d+(?:\.\d+)?)|(?<word>[A-Za-z_]\w*)|(?<mark>:=|[(),|=]))/sy;

function tokensOf(body: string, start: number, fail: () => UserError): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < body.length) {
    const groups = TOKEN.exec(body)?.groups;
    if (groups === undefined) throw fail();
    tokens.push(tokenOf(groups, start + TOKEN.lastIndex, fail));
  }
  return tokens;
}

/** @param end of the token in the template. */
function tokenOf(
  groups: Readonly<Record<string, string | undefined>>,
  end: number,
  fail: () => UserError,
): Token {
  const { path, string, raw, number, word, mark } = groups;
  if (path !== undefined) {
    const [first = '', ...names] = path.split('.');
    return {
      kind: 'path',
      variable: first === '' ? undefined : first,
      names: names.filter((name) => name !== ''),
      at: end - path.length,
    };
  }
  if (string !== undefined) return { kind: 'literal', value: unquoted(string, fail) };
  if (raw !== undefined) return { kind: 'literal', value: raw.slice(1, -1) };
  if (number !== undefined) return { kind: 'literal', value: Number(number) };
  return word === undefined ? { kind: 'mark', text: mark ?? '' } : { kind: 'word', text: word };
}

function unquoted(text: string, fail: () => UserError): string {
  try {
    return JSON.parse(text) as string;
  } catch (error) {
    if (error instanceof SyntaxError) throw fail();
    throw error;
  }
}
