/**
 * The structure of a `--format` template: text, values, `if`, `range`, `with` with what is in them, and the templates that
 * it defines by `define` and `block`.
 */

import { UserError } from '../../../errno/user-error.js';
import type { Float } from './go-literals.js';
import {
  lexTemplate,
  notUnderstood,
  type PathToken,
  refused,
  type TemplatePiece,
  type TextForm,
  type Token,
} from './lex.js';

export type Operand =
  | PathToken
  | {
      readonly kind: 'literal';
      readonly value: string | number | boolean | Float | null;
      readonly at: number;
      readonly text: string;
    }
  | {
      readonly kind: 'call';
      readonly name: string;
      readonly args: readonly Operand[];
      readonly at: number;
      /** Whether the last argument stands before it in a pipeline. */
      readonly isPiped?: boolean;
    }
  /** `.Label "key"`: a path with arguments. */
  | {
      readonly kind: 'method';
      readonly path: Operand;
      readonly args: readonly Operand[];
      readonly isPiped?: boolean;
    }
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
  | {
      readonly kind: 'declare' | 'assign';
      readonly variable: string;
      readonly value: Operand;
    }
  | { readonly kind: 'break' | 'continue' }
  /** Shows a defined template, for which `.` is the value. */
  | { readonly kind: 'template'; readonly name: string; readonly value: Operand | undefined }
  | {
      readonly kind: 'if' | 'range' | 'with';
      readonly value: Operand;
      /** Names of what is declared: of a range `$value`, or `$key, $value`. */
      readonly variables: readonly string[];
      /** Whether the names are there already (`=`, not `:=`). */
      readonly isAssigned: boolean;
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    };

export interface ParsedTemplate {
  readonly nodes: readonly Node[];
  readonly defined: ReadonlyMap<string, readonly Node[]>;
}

/** @throws UserError `invalid format 'TEMPLATE': ...` */
export function parseTemplate(template: string, form: TextForm): ParsedTemplate {
  const parser = new Parser(template, lexTemplate(template, form));
  return { nodes: parser.whole(), defined: parser.defined };
}

const BLOCKS = ['if', 'range', 'with'] as const;
type BlockKind = (typeof BLOCKS)[number];

interface Part {
  readonly nodes: Node[];
  readonly end?: 'end' | 'else';
  /** What stands behind `else`. */
  readonly rest?: ActionReader;
}

class Parser {
  readonly defined = new Map<string, readonly Node[]>();
  readonly #template: string;
  readonly #pieces: readonly TemplatePiece[];
  #at = 0;
  /** How many `range` are open. */
  #ranges = 0;

  constructor(template: string, pieces: readonly TemplatePiece[]) {
    this.#template = template;
    this.#pieces = pieces;
  }

  whole(): readonly Node[] {
    const nodes: Node[] = [];
    for (let piece = this.#next(); piece !== undefined; piece = this.#next()) {
      const reader = this.#readerOf(piece);
      if (reader?.takeWord(['define']) !== undefined) this.#define(reader);
      else {
        this.#at--;
        const part = this.#nodes('define');
        nodes.push(...part.nodes);
        if (part.end !== undefined) throw refused(this.#template, `unexpected {{${part.end}}}`);
      }
    }
    return nodes;
  }

  /** Up to `end` or `else`, whose rest (`if .Key`) stays to be read; with a word, also up to an action that it begins. */
  #nodes(before?: string): Part {
    const nodes: Node[] = [];
    for (let piece = this.#next(); piece !== undefined; piece = this.#next()) {
      if (piece.kind === 'text') {
        nodes.push(piece);
        continue;
      }
      const reader = this.#readerOf(piece)!;
      if (before !== undefined && reader.takeWord([before]) !== undefined) {
        this.#at--;
        return { nodes };
      }
      const closing = reader.takeWord(['end', 'else'] as const);
      if (closing !== undefined) return { nodes, end: closing, rest: reader };
      nodes.push(this.#action(reader));
    }
    return { nodes };
  }

  #action(reader: ActionReader): Node {
    // At the top alone.
    if (reader.takeWord(['define']) !== undefined) reader.refuse();
    const block = reader.takeWord(BLOCKS);
    if (block !== undefined) return this.#block(block, reader);
    const jump = reader.takeWord(['break', 'continue'] as const);
    if (jump !== undefined) return this.#jump(jump, reader);
    const call = reader.takeWord(['template', 'block'] as const);
    if (call === undefined) return reader.simple();
    const { name, value } = reader.call();
    if (call === 'block') {
      if (value === undefined) reader.refuse();
      this.#defineAs(name);
    }
    return { kind: 'template', name, value };
  }

  #jump(kind: 'break' | 'continue', reader: ActionReader): Node {
    reader.finish();
    if (this.#ranges > 0) return { kind };
    throw new UserError(`invalid format '${this.#template}': template: :1: {{${kind}}} outside {{range}}`);
  }

  #define(reader: ActionReader): void {
    const { name, value } = reader.call();
    if (value !== undefined) reader.refuse();
    this.#defineAs(name);
  }

  /** The one with something in it counts; two of them are a mistake. */
  #defineAs(name: string): void {
    const ranges = this.#ranges;
    this.#ranges = 0;
    const { nodes, end, rest } = this.#nodes();
    this.#ranges = ranges;
    if (end !== 'end') throw this.#unclosed('define');
    rest?.finish();
    const before = this.defined.get(name);
    if (before === undefined || isBlank(before)) this.defined.set(name, nodes);
    else if (!isBlank(nodes))
      throw new UserError(
        `invalid format '${this.#template}': template: multiple definition of template "${name}"`,
      );
  }

  #block(kind: BlockKind, reader: ActionReader): Node {
    const head = { kind, ...reader.head(kind) };
    if (kind === 'range') this.#ranges++;
    const { nodes: body, end, rest } = this.#nodes();
    if (kind === 'range') this.#ranges--;
    if (end === undefined) throw this.#unclosed(kind);
    if (end === 'end') {
      rest?.finish();
      return { ...head, body, otherwise: [] };
    }
    const again = kind === 'range' ? undefined : rest?.takeWord([kind]);
    if (again !== undefined && rest !== undefined)
      return { ...head, body, otherwise: [this.#block(again, rest)] };
    rest?.finish();
    const other = this.#nodes();
    if (other.end === 'else') throw refused(this.#template, 'expected end; found {{else}}');
    if (other.end !== 'end') throw this.#unclosed(kind);
    other.rest?.finish();
    return { ...head, body, otherwise: other.nodes };
  }

  #readerOf(piece: TemplatePiece): ActionReader | undefined {
    return piece.kind === 'text'
      ? undefined
      : new ActionReader(piece.tokens, (problem, at) =>
          problem === undefined
            ? notUnderstood(this.#template, piece.source)
            : refused(this.#template, problem, at),
        );
  }

  #next(): TemplatePiece | undefined {
    return this.#pieces[this.#at++];
  }

  #unclosed(kind: string): UserError {
    return new UserError(`invalid format '${this.#template}': template: :1: unexpected EOF`, {
      hint: `'{{${kind}}}' has no {{end}}`,
    });
  }
}

function isBlank(nodes: readonly Node[]): boolean {
  return nodes.every((node) => node.kind === 'text' && node.text.trim() === '');
}

/** Reads the tokens of one action. */
class ActionReader {
  readonly #tokens: readonly Token[];
  /** Without a problem: the action is not understood. */
  readonly #fail: (problem?: string, at?: number) => UserError;
  #at = 0;

  constructor(tokens: readonly Token[], fail: (problem?: string, at?: number) => UserError) {
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
    const { variables, isAssigned, value } = this.head('set');
    const [variable] = variables;
    if (variable === undefined) return { kind: 'show', value };
    return { kind: isAssigned ? 'assign' : 'declare', variable, value };
  }

  /** `"name" [pipeline]`, to the end. */
  call(): { readonly name: string; readonly value: Operand | undefined } {
    const token = this.#take();
    if (token?.kind !== 'literal' || typeof token.value !== 'string') throw this.#fail();
    const value = this.#peek() === undefined ? undefined : this.#pipeline();
    this.finish();
    return { name: token.value, value };
  }

  /** `[$x[, $y] :=] pipeline`, to the end. */
  head(kind: string): {
    readonly variables: readonly string[];
    readonly isAssigned: boolean;
    readonly value: Operand;
  } {
    const { variables, isAssigned } = this.#declared();
    if (this.#peek() === undefined)
      throw this.#fail(`missing value for ${kind === 'set' ? 'command' : kind}`);
    if (variables.length > (kind === 'range' ? 2 : 1)) throw this.#fail();
    const value = this.#pipeline();
    this.finish();
    return { variables, isAssigned, value };
  }

  /** @throws UserError always: the action has too much, or too little. */
  refuse(): never {
    throw this.#fail();
  }

  /** @throws UserError when something is left. */
  finish(): void {
    if (this.#peek() !== undefined) throw this.#fail();
  }

  #declared(): { readonly variables: readonly string[]; readonly isAssigned: boolean } {
    const start = this.#at;
    const variables: string[] = [];
    for (;;) {
      const token = this.#take();
      if (token?.kind !== 'path' || token.variable === undefined || token.names.length > 0) break;
      variables.push(token.variable);
      if (this.#takeMark(':=')) return { variables, isAssigned: false };
      if (this.#takeMark('=')) return { variables, isAssigned: true };
      if (!this.#takeMark(',')) break;
    }
    this.#at = start;
    return { variables: [], isAssigned: false };
  }

  #pipeline(): Operand {
    let value = this.#command();
    while (this.#takeMark('|')) {
      const next = this.#command();
      if (next.kind !== 'call' && next.kind !== 'method') throw this.#fail();
      value = { ...next, args: [...next.args, value], isPiped: true };
    }
    return value;
  }

  #command(): Operand {
    const token = this.#peek();
    const word = token?.kind === 'word' && !(token.text in CONSTANTS) ? token : undefined;
    if (word !== undefined) this.#at++;
    const first = word === undefined ? this.#operand() : undefined;
    const args: Operand[] = [];
    for (let next = this.#peek(); startsOperand(next); next = this.#peek()) args.push(this.#operand());
    if (word !== undefined) return { kind: 'call', name: word.text, args, at: word.at };
    if (first === undefined) throw this.#fail();
    if (args.length === 0 && first.kind === 'literal' && first.value === null)
      throw this.#fail('executing "" at <nil>: nil is not a command', first.at);
    if (args.length === 0) return first;
    if (first.kind !== 'path') throw this.#fail();
    return { kind: 'method', path: first, args };
  }

  #operand(): Operand {
    const token = this.#take();
    if (token?.kind === 'path' || token?.kind === 'literal') return token;
    if (token?.kind === 'word' && token.text in CONSTANTS) {
      return { kind: 'literal', value: CONSTANTS[token.text] ?? null, at: token.at, text: token.text };
    }
    // A function without arguments, as an argument.
    if (token?.kind === 'word') return { kind: 'call', name: token.text, args: [], at: token.at };
    if (token?.kind !== 'mark' || token.text !== '(') throw this.#fail();
    const pipeline = this.#pipeline();
    const closing = this.#peek();
    if (!this.#takeMark(')')) throw this.#fail();
    const after = this.#peek();
    const isJoined = after?.kind === 'path' && closing?.kind === 'mark' && after.at === closing.at + 1;
    const hasNames = isJoined && after.variable === undefined && after.names.length > 0;
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
