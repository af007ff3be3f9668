/**
 * `--format` templates over plain records: compiled once, rendered for each.
 *
 * The language is Go's text/template as Docker's users know it: fields, pipelines, variables, `if`, `range`, `with`,
 * functions. A field that a record does not have is an error that names those there are, as for Go's structs; one that
 * has no value is nothing, `[]` or `map[]`. But keys of Labels, Options and the like are the user's (`<no value>`, as in
 * Go's maps), and of the elements of a list not each need have all keys: nothing is shown.
 */

import { UserError } from '../../errno/user-error.js';
import { BadArgument, callFunction, functionNames, isTrue, showRecord, showValue } from './functions.js';
import { type Node, type Operand, parseTemplate } from './parse.js';

export interface TemplateOptions {
  /** How a value appears; by default as Go prints it. */
  readonly show?: (value: unknown) => string;
}

/** In the row of titles a function that shapes text leaves the title as it is. */
const SHAPING = new Set(['json', 'join', 'split', 'lower', 'upper', 'title', 'pad', 'truncate', 'slice']);

/** Keys of these are not fixed. */
const FREE_MAPS = new Set([
  ...['Labels', 'Options', 'Annotations', 'Volumes', 'ExposedPorts', 'Networks', 'Ports', 'PortBindings'],
  ...['Tmpfs', 'StorageOpt', 'Sysctls', 'Data', 'DriverOpts'],
]);

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
const TEXTS = new Set(['StopSignal', 'Variant']);

/** Of a row: the labels that `.Label "key"` asks, where `Labels` has them as text. */
export const ROW_LABELS = Symbol('labels');

export class Template {
  readonly #text: string;
  readonly #nodes: readonly Node[];
  readonly #show: (value: unknown) => string;
  /** Elements of the record's lists. */
  #elements = new WeakSet<object>();
  #isTitles = false;

  /** @throws UserError `invalid format 'TEXT': ...` */
  constructor(text: string, { show = showValue }: TemplateOptions = {}) {
    this.#text = text;
    this.#nodes = parseTemplate(text);
    this.#show = show;
    this.#checkCalls(this.#nodes);
  }

  /** @throws UserError for a key that is not there, or a function that cannot take its arguments. */
  render(record: unknown): string {
    this.#elements = new WeakSet(elementsOf(record));
    return this.#run(this.#nodes, record, new Map([['$', record]]));
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

  #run(nodes: readonly Node[], dot: unknown, outer: ReadonlyMap<string, unknown>): string {
    const variables = new Map(outer);
    let out = '';
    for (const node of nodes) {
      if (node.kind === 'text') out += node.text;
      else if (node.kind === 'show') out += this.#shown(node.value, dot, variables);
      else if (node.kind === 'set') variables.set(node.variable, this.#value(node.value, dot, variables));
      else out += this.#block(node, dot, variables);
    }
    return out;
  }

  #shown(operand: Operand, dot: unknown, variables: ReadonlyMap<string, unknown>): string {
    const value = this.#value(operand, dot, variables);
    const name = operand.kind === 'path' || operand.kind === 'group' ? operand.names.at(-1) : undefined;
    if (value === null && name !== undefined) {
      if (FREE_MAPS.has(name)) return this.#show({});
      if (LISTS.has(name)) return this.#show([]);
      if (TEXTS.has(name)) return '';
    }
    const isRecord = name !== undefined && !FREE_MAPS.has(name) && this.#show === showValue;
    return isRecord ? showRecord(value, FREE_MAPS) : this.#show(value);
  }

  #block(node: Extract<Node, { body: unknown }>, dot: unknown, outer: ReadonlyMap<string, unknown>): string {
    const value = this.#value(node.value, dot, outer);
    if (!isTrue(value)) return this.#run(node.otherwise, dot, outer);
    if (node.kind === 'range') return this.#range(node, value, outer);
    const variables = new Map(outer);
    if (node.variables[0] !== undefined) variables.set(node.variables[0], value);
    return this.#run(node.body, node.kind === 'with' ? value : dot, variables);
  }

  /** Lists in their order, records by key, numbers from 0. */
  #range(
    node: Extract<Node, { body: unknown }>,
    value: unknown,
    outer: ReadonlyMap<string, unknown>,
  ): string {
    const [first, second] = node.variables;
    return entriesOf(value, (what) => this.#error(`'range' wants a list or a record, not ${what}`))
      .map(([key, element]) => {
        const variables = new Map(outer);
        if (second !== undefined && first !== undefined) variables.set(first, key).set(second, element);
        else if (first !== undefined) variables.set(first, element);
        return this.#run(node.body, element, variables);
      })
      .join('');
  }

  #value(operand: Operand, dot: unknown, variables: ReadonlyMap<string, unknown>): unknown {
    switch (operand.kind) {
      case 'literal':
        return operand.value;
      case 'path':
        return this.#walk(this.#start(operand.variable, dot, variables), operand);
      case 'group':
        return this.#walk(this.#value(operand.pipeline, dot, variables), operand);
      case 'call':
        return this.#call(
          operand.name,
          operand.args.map((arg) => this.#value(arg, dot, variables)),
        );
      case 'method':
        return this.#label(operand, dot, variables);
    }
  }

  #start(variable: string | undefined, dot: unknown, variables: ReadonlyMap<string, unknown>): unknown {
    if (variable === undefined) return dot;
    if (variables.has(variable)) return variables.get(variable);
    throw this.#error(`there is no '${variable}'`);
  }

  #walk(start: unknown, path: Path): unknown {
    let value = start;
    for (const [index, name] of path.names.entries()) {
      if (typeof value === 'object' && value !== null && Object.hasOwn(value, name)) {
        value = (value as Record<string, unknown>)[name] ?? null;
      } else if (index > 0 && FREE_MAPS.has(path.names[index - 1] ?? '')) {
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
  #label(
    { path, args }: Extract<Operand, { kind: 'method' }>,
    dot: unknown,
    variables: ReadonlyMap<string, unknown>,
  ): unknown {
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
    return this.#call('index', [labels ?? this.#walk(row, { ...path, names: ['Labels'] }), key]);
  }

  #call(name: string, args: readonly unknown[]): unknown {
    if (this.#isTitles && SHAPING.has(name)) return args.find((arg) => typeof arg === 'string');
    try {
      return callFunction(name, args);
    } catch (error) {
      if (error instanceof BadArgument) throw this.#error(error.message);
      throw error;
    }
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
    return rootPathsOf(this.#nodes).flatMap(({ names: [first] }) => first ?? []);
  }

  /** For a check before there is a record. @throws UserError for a name that is not among `keys`, with those of `shown`. */
  requireKeys(keys: readonly string[], shown: readonly string[]): void {
    const path = rootPathsOf(this.#nodes).find(({ names: [first] }) => !keys.includes(first ?? ''));
    if (path === undefined) return;
    const { message } = this.#unknownField(path, 0, undefined);
    throw new UserError(message, { hint: `there are ${shown.join(', ')}` });
  }

  /** In Go's words: where in the template, which path, what of it is not there. */
  #unknownField(path: Path, index: number, value: unknown): UserError {
    const name = path.names[index] ?? '';
    const before = path.names.slice(0, index).map((one) => `.${one}`);
    const start = path.variable ?? '';
    const column = path.at + [start, ...before].join('').length;
    const whole = `${start}${path.names.map((one) => `.${one}`).join('')}`;
    const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value);
    const problem = isRecord ? `map has no entry for key "${name}"` : `can't evaluate field ${name}`;
    return this.#error(
      `template: :1:${column}: executing "" at <${whole}>: ${problem}`,
      isRecord ? `there are ${Object.keys(value as object).join(', ')}` : undefined,
    );
  }

  #error(problem: string, hint?: string): UserError {
    return new UserError(`invalid format '${this.#text}': ${problem}`, { hint });
  }
}

type Path = Pick<Extract<Operand, { kind: 'path' }>, 'names' | 'at'> & {
  readonly variable?: string | undefined;
};

/** Docker's: what is behind the last dot of the key, in words. */
function titleOfLabel(key: string): string {
  return (key.split('.').at(-1) ?? key).replace(/[-_]/g, ' ');
}

function entriesOf(value: unknown, fail: (what: string) => UserError): [string | number, unknown][] {
  if (value === null) return [];
  if (Array.isArray(value)) return value.map((element, index) => [index, element as unknown]);
  if (typeof value === 'number') return Array.from({ length: value }, (_, index) => [index, index]);
  if (typeof value !== 'object') throw fail(JSON.stringify(value));
  return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : Number(a > b)));
}

function* elementsOf(value: unknown): Generator<object> {
  if (typeof value !== 'object' || value === null) return;
  for (const inner of Object.values(value) as unknown[]) {
    if (Array.isArray(value) && typeof inner === 'object' && inner !== null) yield inner;
    yield* elementsOf(inner);
  }
}

/** All operands, those inside of others too. */
function* operandsOf(nodes: readonly Node[]): Generator<Operand> {
  for (const node of nodes) {
    if (node.kind === 'text') continue;
    yield* withInner(node.value);
    if ('body' in node) {
      yield* operandsOf(node.body);
      yield* operandsOf(node.otherwise);
    }
  }
}

function* withInner(operand: Operand): Generator<Operand> {
  yield operand;
  if (operand.kind === 'group') yield* withInner(operand.pipeline);
  if (operand.kind === 'call' || operand.kind === 'method') {
    for (const arg of operand.args) yield* withInner(arg);
  }
  if (operand.kind === 'method') yield* withInner(operand.path);
}

/** Not those in `range` and `with`, where `.` is something else; with a name at least. */
function rootPathsOf(nodes: readonly Node[]): Path[] {
  return nodes.flatMap((node): Path[] => {
    if (node.kind === 'text') return [];
    const own = [...withInner(node.value)].flatMap((operand): Path[] => {
      const isRoot = operand.kind === 'path' && (operand.variable === undefined || operand.variable === '$');
      return isRoot && operand.names.length > 0 ? [operand] : [];
    });
    if (!('body' in node)) return own;
    const inner = node.kind === 'if' ? rootPathsOf(node.body) : [];
    return [...own, ...inner, ...rootPathsOf(node.otherwise)];
  });
}
