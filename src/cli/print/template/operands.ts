/** What a parsed template asks: its operands, and the names that it takes from the record itself. */

import type { Node, Operand, ParsedTemplate } from './parse.js';

type PathOperand = Extract<Operand, { kind: 'path' }>;

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
