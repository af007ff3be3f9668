/**
 * The rule that no parameter is a boolean flag: `copy(path, true)` says nothing to its reader. A record with the flag's name, or a
 * union of words, does.
 *
 * By the syntax alone: parameters that are declared `boolean`, or that default to true or false, in src. Setters and type guards
 * take or give one by nature; a function that is passed to another is named where it is declared.
 */

import ts from 'typescript';
import type { Finding, SourceFile } from './check-finding.js';
import { lineAt } from './check-finding.js';

/** Functions whose boolean is what they are about, not a flag. */
const allowed: ReadonlyMap<string, string> = new Map([
  ['hold', 'an assertion: the condition, and what to say when it does not hold'],
  ['Hold', 'its type'],
  ['#put', 'the setter of a bit'],
]);

export function booleanParameterFindings(file: SourceFile): Finding[] {
  if (!/^src\/.*\.ts$/.test(file.path)) return [];
  const findings: Finding[] = [];
  const visit = (node: ts.Node): void => {
    ts.forEachChild(node, visit);
    if (!ts.isParameter(node) || !isBoolean(node) || ts.isSetAccessor(node.parent)) return;
    if (allowed.has(nameOf(node.parent))) return;
    const message = `the parameter '${node.name.getText()}' is a boolean flag: pass a record or a word`;
    findings.push({ path: file.path, line: lineAt(file.text, node.getStart()), message });
  };
  visit(ts.createSourceFile(file.path, file.text, ts.ScriptTarget.Latest, true));
  return findings;
}

function isBoolean({ name, type, initializer }: ts.ParameterDeclaration): boolean {
  if (!ts.isIdentifier(name)) return false;
  if (type !== undefined) return /^boolean\b/.test(type.getText());
  const kind = initializer?.kind;
  return kind === ts.SyntaxKind.TrueKeyword || kind === ts.SyntaxKind.FalseKeyword;
}

/** The name of the function, or of what it is assigned to. */
function nameOf(declaration: ts.SignatureDeclaration): string {
  const { name, parent } = declaration;
  if (name !== undefined) return name.getText();
  return ts.isVariableDeclaration(parent) || ts.isTypeAliasDeclaration(parent) ? parent.name.getText() : '';
}
