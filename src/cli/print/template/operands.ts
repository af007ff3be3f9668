/** What a parsed template asks: its operands, and the names that it takes from the record itself. */

import type { Node, Operand, ParsedTemplate } from './parse.js';

type PathOperand = Extract<Operand, { kind: 'path' }>;

/** An operand as Go prints it in an error, and where Go says it is. */
export function operandPlace(operand: Operand): { readonly at: number; readonly text: string } {
  switch (operand.kind) {
    case 'literal':
      return operand;
    case 'path':
      return { at: pathPlace(operand), text: pathText(operand) };
    case 'call': {
      const own = operand.isPiped === true ? operand.args.slice(0, -1) : operand.args;
      return { at: operand.at, text: [operand.name, ...own.map((arg) => operandPlace(arg).text)].join(' ') };
    }
    case 'method': {
      const path = operandPlace(operand.path);
      return {
        at: path.at,
        text: [path.text, ...operand.args.map((arg) => operandPlace(arg).text)].join(' '),
      };
    }
    case 'group': {
      const { at } = operandPlace(operand.pipeline);
      return { at, text: `(${pipelineText(operand.pipeline)})${namesText(operand.names)}` };
    }
  }
}

function pipelineText(operand: Operand): string {
  const { text } = operandPlace(operand);
  const before = operand.kind === 'call' && operand.isPiped === true ? operand.args.at(-1) : undefined;
  return before === undefined ? text : `${pipelineText(before)} | ${text}`;
}

/** Where a path stands: of several names in a row the second, as text/template/parse has it. */
function pathPlace({ at, variable, names }: PathOperand): number {
  const parts = [...(variable === undefined ? [] : [variable]), ...names.map((name) => `.${name}`)];
  return parts.length < 2 ? at : at + (parts[0] ?? '').length;
}

function pathText({ variable = '', names }: PathOperand): string {
  return names.length === 0 && variable === '' ? '.' : `${variable}${namesText(names)}`;
}

function namesText(names: readonly string[]): string {
  return names.map((name) => `.${name}`).join('');
}

/** All operands, those inside of others too. */
export function* operandsOf(nodes: readonly Node[]): Generator<Operand> {
  for (const node of nodes) {
    if (!('value' in node) || node.value === undefined) continue;
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

/** The names that `.` has at the top, or `$`; those in `range` and `with`, where `.` is something else, are left out. */
export function rootPathsOf({ nodes, defined }: ParsedTemplate): PathOperand[] {
  const followed = new Set<string>();
  const pathsOf = (body: readonly Node[]): PathOperand[] =>
    body.flatMap((node): PathOperand[] => {
      if (!('value' in node) || node.value === undefined) return [];
      const own = [...withInner(node.value)].filter(isRootPath);
      if (node.kind === 'template' && isRoot(node.value) && !followed.has(node.name)) {
        followed.add(node.name);
        return [...own, ...pathsOf(defined.get(node.name) ?? [])];
      }
      if (!('body' in node)) return own;
      const inner = node.kind === 'if' ? pathsOf(node.body) : [];
      return [...own, ...inner, ...pathsOf(node.otherwise)];
    });
  return pathsOf(nodes);
}

function isRootPath(operand: Operand): operand is PathOperand {
  return operand.kind === 'path' && startsAtRoot(operand) && operand.names.length > 0;
}

/** `.` or `$` alone. */
function isRoot(operand: Operand): boolean {
  return operand.kind === 'path' && startsAtRoot(operand) && operand.names.length === 0;
}

function startsAtRoot({ variable }: PathOperand): boolean {
  return variable === undefined || variable === '$';
}
