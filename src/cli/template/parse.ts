/** The structure of a `--format` template: text, values, and `if`, `range`, `with` with what is in them. */

import { UserError } from '../../errno/user-error.js';
import { lexTemplate, notUnderstood, type PathToken, type Piece, type Token } from './lex.js';

export type Operand =
  | PathToken
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Operand[] }
  /** `.Label "key"`: a path with arguments. */
  | { readonly kind: 'method'; readonly path: Operand; readonly args: readonly Operand[] }
  /** A pipeline in brackets, and the names behind it. */
  | {
      readonly kind: 'group';
      readonly pipeline: Operand;
      readonly names: readonly string[];
      readonly at: number;
    };

export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'show'; readonly value: Operand }
  | { readonly kind: 'set'; readonly variable: string; readonly value: Operand }
  | {
      readonly kind: 'if' | 'range' | 'with';
      readonly value: Operand;
      /** Names of what is declared: of a range `$value`, or `$key, $value`. */
      readonly variables: readonly string[];
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    };

/** @throws UserError `invalid format 'TEMPLATE': ...` */
export function parseTemplate(template: string): Node[] {
  const parser = new Parser(template, lexTemplate(template));
  const { nodes, end } = parser.nodes();
  if (end !== undefined) throw new UserError(`invalid format '${template}': '{{${end}}}' closes nothing`);
  return nodes;
}

const BLOCKS = ['if', 'range', 'with'] as const;

class Parser {
  readonly #template: string;
  readonly #pieces: readonly Piece[];
  #at = 0;

  constructor(template: string, pieces: readonly Piece[]) {
    this.#template = template;
    this.#pieces = pieces;
  }

  /** Up to `end` or `else`, whose rest (`if .Key`) stays to be read. */
  nodes(): { readonly nodes: Node[]; readonly end?: 'end' | 'else'; readonly rest?: ActionReader } {
    const nodes: Node[] = [];
    for (let piece = this.#next(); piece !== undefined; piece = this.#next()) {
      if (piece.kind === 'text') {
        nodes.push(piece);
        continue;
      }
      const reader = new ActionReader(piece.tokens, () => notUnderstood(this.#template, piece.source));
      const closing = reader.takeWord(['end', 'else'] as const);
      if (closing !== undefined) return { nodes, end: closing, rest: reader };
      const block = reader.takeWord(BLOCKS);
      nodes.push(block === undefined ? reader.simple() : this.#block(block, reader));
    }
    return { nodes };
  }

  #block(kind: (typeof BLOCKS)[number], reader: ActionReader): Node {
    const { variables, value } = reader.head(kind);
    const { nodes: body, end, rest } = this.nodes();
    if (end === undefined) throw this.#unclosed(kind);
    if (end === 'end') {
      rest?.finish();
      return { kind, value, variables, body, otherwise: [] };
    }
    const again = rest?.takeWord(BLOCKS);
    if (again !== undefined && rest !== undefined) {
      return { kind, value, variables, body, otherwise: [this.#block(again, rest)] };
    }
    rest?.finish();
    const other = this.nodes();
    if (other.end !== 'end') throw this.#unclosed(kind);
    other.rest?.finish();
    return { kind, value, variables, body, otherwise: other.nodes };
  }

  #next(): Piece | undefined {
    return this.#pieces[this.#at++];
  }

  #unclosed(kind: string): UserError {
    return new UserError(`invalid format '${this.#template}': template: :1: unexpected EOF`, {
      hint: `'{{${kind}}}' has no {{end}}`,
    });
  }
}

/** Reads the tokens of one action. */
class ActionReader {
  readonly #tokens: readonly Token[];
  readonly #fail: () => UserError;
  #at = 0;

  constructor(tokens: readonly Token[], fail: () => UserError) {
    this.#tokens = tokens;
    this.#fail = fail;
  }

  takeWord<W extends string>(words: readonly W[]): W | undefined {
    const token = this.#peek();
    const word = words.find((one) => token?.kind === 'word' && token.text === one);
    if (word !== undefined) this.#at++;
    return word;
  }

  /** A value to show, or `$x := value`. */
  simple(): Node {
    const { variables, value } = this.head('set');
    const [variable] = variables;
    return variable === undefined ? { kind: 'show', value } : { kind: 'set', variable, value };
  }

  /** `[$x[, $y] :=] pipeline`, to the end. */
  head(kind: string): { readonly variables: readonly string[]; readonly value: Operand } {
    const variables = this.#declared();
    if (variables.length > (kind === 'range' ? 2 : 1)) throw this.#fail();
    const value = this.#pipeline();
    this.finish();
    return { variables, value };
  }

  /** @throws UserError when something is left. */
  finish(): void {
    if (this.#peek() !== undefined) throw this.#fail();
  }

  #declared(): string[] {
    const start = this.#at;
    const found: string[] = [];
    for (;;) {
      const token = this.#take();
      if (token?.kind !== 'path' || token.variable === undefined || token.names.length > 0) break;
      found.push(token.variable);
      if (this.#takeMark(':=') || this.#takeMark('=')) return found;
      if (!this.#takeMark(',')) break;
    }
    this.#at = start;
    return [];
  }

  #pipeline(): Operand {
    let value = this.#command();
    while (this.#takeMark('|')) {
      const next = this.#command();
      if (next.kind !== 'call' && next.kind !== 'method') throw this.#fail();
      value = { ...next, args: [...next.args, value] };
    }
    return value;
  }

  #command(): Operand {
    const token = this.#peek();
    const name = token?.kind === 'word' && !(token.text in CONSTANTS) ? token.text : undefined;
    if (name !== undefined) this.#at++;
    const first = name === undefined ? this.#operand() : undefined;
    const args: Operand[] = [];
    for (let next = this.#peek(); startsOperand(next); next = this.#peek()) args.push(this.#operand());
    if (name !== undefined) return { kind: 'call', name, args };
    if (first === undefined) throw this.#fail();
    if (args.length === 0) return first;
    if (first.kind !== 'path') throw this.#fail();
    return { kind: 'method', path: first, args };
  }

  #operand(): Operand {
    const token = this.#take();
    if (token?.kind === 'path' || token?.kind === 'literal') return token;
    if (token?.kind === 'word' && token.text in CONSTANTS) {
      return { kind: 'literal', value: CONSTANTS[token.text] ?? null };
    }
    // A function without arguments, as an argument.
    if (token?.kind === 'word') return { kind: 'call', name: token.text, args: [] };
    if (token?.kind !== 'mark' || token.text !== '(') throw this.#fail();
    const pipeline = this.#pipeline();
    if (!this.#takeMark(')')) throw this.#fail();
    const after = this.#peek();
    const hasNames = after?.kind === 'path' && after.variable === undefined && after.names.length > 0;
    if (hasNames) this.#at++;
    return hasNames
      ? { kind: 'group', pipeline, names: after.names, at: after.at }
      : { kind: 'group', pipeline, names: [], at: 0 };
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#at];
  }

  #take(): Token | undefined {
    return this.#tokens[this.#at++];
  }

  #takeMark(text: string): boolean {
    const token = this.#peek();
    if (token?.kind !== 'mark' || token.text !== text) return false;
    this.#at++;
    return true;
  }
}

const CONSTANTS: Readonly<Record<string, boolean | null>> = { true: true, false: false, nil: null };

function startsOperand(token: Token | undefined): boolean {
  return token !== undefined && (token.kind !== 'mark' || token.text === '(');
}
