/**
 * `--format` templates over plain records: compiled once, rendered for each.
 *
 * The language is Go's text/template as Docker's users know it: fields, pipelines, variables, `if`, `range`, `with`,
 * functions. A field that a record does not have is an error that names those there are, as for Go's structs; one that
 * has no value is nothing, `[]` or `map[]`. But keys of Labels, Options and the like are the user's (`<no value>`, as in
 * Go's maps), and of the elements of a list not each need have all keys: nothing is shown.
 */

import { UserError } from '../../../errno/user-error.js';
import { isFreeMap } from '../free-maps.js';
import { shown } from '../output.js';
import { callFunction, functionNames, isTrue } from './functions.js';
import { Float } from './go-literals.js';
import { typedAs } from './go-types.js';
import type { TextForm } from './lex.js';
import { operandPlace, operandsOf, rootPathsOf } from './operands.js';
import { type Node, type Operand, type ParsedTemplate, parseTemplate } from './parse.js';
import { Scope } from './scope.js';
import { BadArgument, showRecord, showValue } from './show-value.js';

interface TemplateOptions {
  /** What a backslash in the text is; as Docker has it for lists unless told otherwise. */
  readonly textForm?: TextForm;
  /** How a value appears; by default as Go prints it. */
  readonly show?: (value: unknown) => string;
}

/** In the row of titles a function that shapes text leaves the title as it is. */
const SHAPING = new Set(['json', 'join', 'split', 'lower', 'upper', 'title', 'pad', 'truncate', 'slice']);

/** What puts values among text of the template's own, line breaks too: the values are shown before. */
const LAYING_OUT = new Set(['print', 'println', 'printf', 'join']);

/** What JSON has as null and is a list where it is there. */
const LISTS = new Set([
  ...['Entrypoint', 'Cmd', 'Env', 'OnBuild', 'Shell', 'Args', 'ExecIDs', 'Binds', 'VolumesFrom', 'Mounts'],
  ...['CapAdd', 'CapDrop', 'ExtraHosts', 'GroupAdd', 'Links', 'SecurityOpt', 'Devices', 'Ulimits'],
  ...['DeviceCgroupRules', 'DeviceRequests', 'Aliases', 'SecondaryIPAddresses', 'SecondaryIPv6Addresses'],
  ...[
    'BlkioWeightDevice',
    'BlkioDeviceReadBps',
    'BlkioDeviceWriteBps',
    'BlkioDeviceReadIOps',
    'BlkioDeviceWriteIOps',
  ],
]);

/** What JSON leaves out and is text where it is there. */
const TEXTS = new Set(['StopSignal', 'Variant', 'MacAddress']);

/** Names that Docker's templates know beside those of its JSON: of the fields of its structs, by which they are asked first. */
const FIELD_NAMES: ReadonlyMap<string, string> = new Map([
  ...['Options', 'Search'].map((what): [string, string] => [`DNS${what}`, `Dns${what}`]),
  ...['Count', 'Percent', 'Period', 'Quota', 'RealtimePeriod', 'RealtimeRuntime', 'Shares'].map(
    (what): [string, string] => [`CPU${what}`, `Cpu${what}`],
  ),
  ['DNS', 'Dns'],
  ['ID', 'Id'],
  ['NanoCPUs', 'NanoCpus'],
]);

/** Where a row has the labels that `.Label "key"` asks, when `Labels` has them as text. */
export const ROW_LABELS = Symbol('labels');

export class Template {
  readonly #text: string;
  readonly #parsed: ParsedTemplate;
  readonly #show: (value: unknown) => string;
  /** Elements of the record's lists. */
  #elements = new WeakSet<object>();
  #isTitles = false;

  /** @throws UserError `invalid format 'TEXT': ...` */
  constructor(text: string, { show = showValue, textForm = 'escapes' }: TemplateOptions = {}) {
    this.#text = text;
    this.#parsed = parseTemplate(text, textForm);
    this.#show = show;
    for (const nodes of [this.#parsed.nodes, ...this.#parsed.defined.values()]) this.#checkCalls(nodes);
  }

  /** @throws UserError for a key that is not there, or a function that cannot take its arguments. */
  render(record: unknown): string {
    this.#elements = new WeakSet(elementsOf(record));
    const out: string[] = [];
    this.#run(this.#parsed.nodes, { dot: record, scope: Scope.of(record), depth: 0, out });
    return out.join('');
  }

  /** The line above a table. @param titles by key. */
  renderTitles(titles: Readonly<Record<string, string>>): string {
    this.#isTitles = true;
    try {
      return this.render(titles);
    } finally {
      this.#isTitles = false;
    }
  }

  /** @returns how a range around goes on, when not to its next element. */
  #run(nodes: readonly Node[], outer: Frame): Jump | undefined {
    const frame = { ...outer, scope: outer.scope.inner() };
    for (const node of nodes) {
      const jump = this.#step(node, frame);
      if (jump !== undefined) return jump;
    }
    return undefined;
  }

  #step(node: Node, frame: Frame): Jump | undefined {
    const { dot, scope, out } = frame;
    switch (node.kind) {
      case 'text':
        out.push(node.text);
        return undefined;
      case 'show':
        out.push(this.#shown(node.value, dot, scope));
        return undefined;
      case 'declare':
        scope.declare(node.variable, this.#value(node.value, dot, scope));
        return undefined;
      case 'assign':
        this.#assign(scope, node.variable, this.#value(node.value, dot, scope));
        return undefined;
      case 'break':
      case 'continue':
        return node.kind;
      case 'template':
        this.#template(node, frame);
        return undefined;
      default:
        return this.#block(node, frame);
    }
  }

  #template({ name, value }: Extract<Node, { kind: 'template' }>, frame: Frame): void {
    const { depth, out } = frame;
    const dot = value === undefined ? undefined : this.#value(value, frame.dot, frame.scope);
    const nodes = this.#parsed.defined.get(name);
    if (nodes === undefined) throw this.#error(`template "${name}" not defined`);
    if (depth >= MOST_DEPTH) throw this.#error(`exceeded maximum template depth (${MOST_DEPTH})`);
    this.#run(nodes, { dot, scope: Scope.of(dot), depth: depth + 1, out });
  }

  #assign(scope: Scope, variable: string, value: unknown): void {
    if (!scope.assign(variable, value)) throw this.#error(`undefined variable: ${variable}`);
  }

  #shown(operand: Operand, dot: unknown, variables: Scope): string {
    const text = this.#textOf(operand, dot, variables);
    const isLaidOut = operand.kind === 'literal' || (operand.kind === 'call' && LAYING_OUT.has(operand.name));
    return isLaidOut ? text : shown(text);
  }

  #textOf(operand: Operand, dot: unknown, variables: Scope): string {
    const value = this.#value(operand, dot, variables);
    if (isIndex(operand) && isEmptyRecord(value)) return '{}';
    const names = operand.kind === 'path' || operand.kind === 'group' ? operand.names : [];
    const name = names.at(-1);
    if (value === null && name !== undefined) {
      if (isFreeMap(name, names.at(-2))) return this.#show({});
      if (LISTS.has(name)) return this.#show([]);
      if (TEXTS.has(name)) return '';
    }
    const isRecord = name !== undefined && !isFreeMap(name, names.at(-2)) && this.#show === showValue;
    return isRecord ? showRecord(value, name) : this.#show(value);
  }

  #block(node: Block, outer: Frame): Jump | undefined {
    const frame = { ...outer, scope: outer.scope.inner() };
    const value = this.#value(node.value, frame.dot, frame.scope);
    if (node.kind === 'range') return this.#range(node, value, frame);
    const [variable] = node.variables;
    if (variable !== undefined) this.#bind(node, frame.scope, [[variable, value]]);
    if (!isTrue(value)) return this.#run(node.otherwise, frame);
    return this.#run(node.body, node.kind === 'with' ? { ...frame, dot: value } : frame);
  }

  /** Lists in their order, records by key, numbers from 0. */
  #range(node: Block, value: unknown, outer: Frame): Jump | undefined {
    const entries = entriesOf(value, (what) => this.#errorAt(node.value, `range can't iterate over ${what}`));
    if (entries.length === 0) return this.#run(node.otherwise, outer);
    const [first, second] = node.variables;
    for (const [key, element] of entries) {
      const frame = { ...outer, dot: element, scope: outer.scope.inner() };
      if (second !== undefined && first !== undefined)
        this.#bind(node, frame.scope, [
          [first, key],
          [second, element],
        ]);
      else if (first !== undefined) this.#bind(node, frame.scope, [[first, element]]);
      if (this.#run(node.body, frame) === 'break') break;
    }
    return undefined;
  }

  #bind({ isAssigned }: Block, scope: Scope, values: readonly (readonly [string, unknown])[]): void {
    for (const [variable, value] of values) {
      if (isAssigned) this.#assign(scope, variable, value);
      else scope.declare(variable, value);
    }
  }

  #value(operand: Operand, dot: unknown, variables: Scope): unknown {
    switch (operand.kind) {
      case 'literal':
        return operand.value;
      case 'path':
        return this.#walk(this.#start(operand.variable, dot, variables), operand);
      case 'group':
        return this.#walk(this.#value(operand.pipeline, dot, variables), operand);
      case 'call':
        if (operand.name === 'and' || operand.name === 'or') return this.#decided(operand, dot, variables);
        return this.#call(
          operand,
          operand.args.map((arg) => this.#argument(operand.name, arg, dot, variables)),
        );
      case 'method':
        return this.#label(operand, dot, variables);
    }
  }

  /** A list that is not there is an empty one, but in JSON and in comparisons. */
  #argument(name: string, arg: Operand, dot: unknown, variables: Scope): unknown {
    const value = this.#value(arg, dot, variables);
    const [key, parent] = arg.kind === 'path' ? arg.names.slice(-2).reverse() : [];
    const present = value === null && key !== undefined && !AS_IT_IS.has(name) ? emptyOf(key, parent) : value;
    if (Array.isArray(present) && present !== value && name === 'index') return null;
    const laidOut = LAYING_OUT.has(name) && arg.kind !== 'literal' ? shownIn(present) : present;
    return name === 'printf' && key !== undefined && this.#show === showValue
      ? typedAs(key, laidOut)
      : laidOut;
  }

  /** What stands behind the argument that decides is not looked at. */
  #decided(operand: Call, dot: unknown, variables: Scope): unknown {
    const { name, args } = operand;
    let value: unknown;
    for (const arg of args) {
      value = this.#value(arg, dot, variables);
      if (isTrue(value) === (name === 'or')) return value;
    }
    return this.#call(operand, args.length === 0 ? [] : [value]);
  }

  #start(variable: string | undefined, dot: unknown, variables: Scope): unknown {
    if (variable === undefined) return dot;
    const found = variables.find(variable);
    if (found === undefined) throw this.#error(`template: :1: undefined variable "${variable}"`);
    return found.value;
  }

  #walk(start: unknown, path: Path): unknown {
    let value = start;
    for (const [index, asked] of path.names.entries()) {
      const name = keyOf(value, asked);
      if (typeof value === 'object' && value !== null && Object.hasOwn(value, name)) {
        const field = (value as Record<string, unknown>)[name];
        // What JSON leaves out has nothing below it.
        if (field === undefined && index < path.names.length - 1)
          throw this.#unknownField(path, index, value);
        value = field ?? null;
      } else if (index > 0 && isFreeMap(path.names[index - 1] ?? '', path.names[index - 2])) {
        return undefined;
      } else if (typeof value === 'object' && value !== null && this.#elements.has(value)) {
        return '';
      } else {
        throw this.#unknownField(path, index, value);
      }
    }
    return value;
  }

  /** `.Label "key"`, the one method of Docker's rows: of its Labels, '' when there is none of the name. */
  #label({ path, args }: Extract<Operand, { kind: 'method' }>, dot: unknown, variables: Scope): unknown {
    const names = path.kind === 'path' ? path.names : [];
    const [key] = args.map((arg) => this.#value(arg, dot, variables));
    if (path.kind !== 'path' || names.at(-1) !== 'Label' || args.length !== 1) {
      throw this.#error(`'.${names.join('.')}' takes no arguments`);
    }
    if (this.#isTitles) return titleOfLabel(showValue(key));
    const row = this.#walk(this.#start(path.variable, dot, variables), {
      ...path,
      names: names.slice(0, -1),
    });
    const labels = (row as { readonly [ROW_LABELS]?: unknown })[ROW_LABELS];
    const all = labels ?? this.#walk(row, { ...path, names: ['Labels'] });
    return callFunction('index', [all ?? {}, key], 'cells') ?? '';
  }

  #call(operand: Call, args: readonly unknown[]): unknown {
    const { name } = operand;
    if (this.#isTitles && SHAPING.has(name)) return args.find((arg) => typeof arg === 'string');
    try {
      const value = callFunction(name, args, this.#show === showValue ? 'records' : 'cells');
      return name === 'index' ? (value ?? absentIn(operand.args[0])) : value;
    } catch (error) {
      if (error instanceof BadArgument) throw this.#badCall(operand, error);
      throw error;
    }
  }

  #badCall(operand: Call, { message, blamed }: BadArgument): UserError {
    if (blamed === 'count') return this.#errorAt({ ...operand, args: [] }, message);
    if (blamed === 'call') return this.#errorAt(operand, `error calling ${operand.name}: ${message}`);
    const arg = operand.args[blamed.index] ?? operand;
    if (arg.kind === 'literal')
      return this.#errorAt(arg, `expected ${blamed.wanted.replace('int', 'integer')}; found ${arg.text}`);
    return this.#errorAt(arg, `wrong type for value; expected ${blamed.wanted}; ${message}`);
  }

  /** A function that is not there is an error also where nothing is shown. */
  #checkCalls(nodes: readonly Node[]): void {
    for (const operand of operandsOf(nodes)) {
      if (operand.kind === 'call' && !functionNames.includes(operand.name)) {
        throw this.#error(
          `template: :1: function "${operand.name}" not defined`,
          `there are ${functionNames.join(', ')}`,
        );
      }
    }
  }

  /** Names that the template takes from the record itself. */
  rootKeys(): string[] {
    return rootPathsOf(this.#parsed).flatMap(({ names: [first] }) => first ?? []);
  }

  /** For a check before there is a record. @throws UserError for a name that is not among `keys`, with those of `shown`. */
  requireKeys(keys: readonly string[], shown: readonly string[]): void {
    const path = rootPathsOf(this.#parsed).find(({ names: [first] }) => !keys.includes(first ?? ''));
    if (path === undefined) return;
    const { message } = this.#unknownField(path, 0, null);
    throw new UserError(message, { hint: `there are ${shown.join(', ')}` });
  }

  /** In Go's words: where in the template, which path, what of it is not there. */
  #unknownField(path: Path, index: number, value: unknown): UserError {
    const name = path.names[index] ?? '';
    const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value);
    const problem = isRecord
      ? `map has no entry for key "${name}"`
      : value === undefined && index === 0 && 'kind' in path
        ? `nil data; no entry for key "${name}"`
        : `can't evaluate field ${name}`;
    return this.#errorAt(
      { kind: 'path', variable: path.variable, names: path.names, at: path.at },
      problem,
      isRecord ? `there are ${keysOf(value).join(', ')}` : undefined,
    );
  }

  #errorAt(operand: Operand, problem: string, hint?: string): UserError {
    const { at, text } = operandPlace(operand);
    return this.#error(`template: :1:${at}: executing "" at <${text}>: ${problem}`, hint);
  }

  #error(problem: string, hint?: string): UserError {
    return new UserError(`invalid format '${this.#text}': ${problem}`, { hint });
  }
}

/** Deeper is a template that shows itself for ever. */
const MOST_DEPTH = 500;

type Block = Extract<Node, { body: unknown }>;
type Call = Extract<Operand, { kind: 'call' }>;
type Jump = 'break' | 'continue';

/** Where an action is carried out. */
interface Frame {
  /** What `.` means. */
  readonly dot: unknown;
  readonly scope: Scope;
  /** How many templates are shown in one another. */
  readonly depth: number;
  readonly out: string[];
}

type Path = Pick<Extract<Operand, { kind: 'path' }>, 'names' | 'at'> & {
  readonly variable?: string | undefined;
};

/** What JSON has as null, as Go has it. */
function emptyOf(name: string, parent: string | undefined): unknown {
  if (LISTS.has(name)) return [];
  return isFreeMap(name, parent) ? {} : null;
}

/** Functions for which a list that is not there is nothing. */
const AS_IT_IS = new Set(['json', 'eq', 'ne']);

/** Maps whose values are structs without fields. */
const SETS = new Set(['Volumes', 'ExposedPorts']);

/** Maps whose values are lists or records. */
const OF_RECORDS = new Set(['Ports', 'PortBindings', 'Networks']);

/** What Go's map has for a key that is not there. */
function absentIn(map: Operand | undefined): unknown {
  const names = map?.kind === 'path' ? map.names : [];
  const name = names.at(-1) ?? '';
  if (SETS.has(name)) return {};
  return isFreeMap(name, names.at(-2)) && !OF_RECORDS.has(name) ? '' : undefined;
}

/** Without those that JSON leaves out. */
function keysOf(record: object): string[] {
  return Object.entries(record).flatMap(([key, value]) => (value === undefined ? [] : key));
}

function isIndex(operand: Operand): boolean {
  return operand.kind === 'call' && operand.name === 'index';
}

function isEmptyRecord(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.getPrototypeOf(value) === Object.prototype &&
    Object.keys(value).length === 0
  );
}

/** The key of a record that a template's name means. */
function keyOf(record: unknown, name: string): string {
  const key = FIELD_NAMES.get(name);
  if (key === undefined || typeof record !== 'object' || record === null) return name;
  return !Object.hasOwn(record, name) && Object.hasOwn(record, key) ? key : name;
}

/** Docker's: what is behind the last dot of the key, in words. */
function titleOfLabel(key: string): string {
  return (key.split('.').at(-1) ?? key).replace(/[-_]/g, ' ');
}

function shownIn(value: unknown): unknown {
  if (typeof value === 'string') return shown(value);
  return Array.isArray(value) ? value.map(shownIn) : value;
}

function entriesOf(value: unknown, fail: (what: string) => UserError): [string | number, unknown][] {
  // What a record does not have is nothing too.
  if (value === null || value === undefined || value === '') return [];
  if (Array.isArray(value)) return value.map((element, index) => [index, element as unknown]);
  if (typeof value === 'number') return Array.from({ length: value }, (_, index) => [index, index]);
  if (typeof value !== 'object' || value instanceof Float) throw fail(showValue(value));
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return fields.sort(([a], [b]) => (a < b ? -1 : Number(a > b)));
}

function* elementsOf(value: unknown): Generator<object> {
  if (typeof value !== 'object' || value === null) return;
  for (const inner of Object.values(value) as unknown[]) {
    if (Array.isArray(value) && typeof inner === 'object' && inner !== null) yield inner;
    yield* elementsOf(inner);
  }
}
