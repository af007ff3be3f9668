/**
 * The rule that what a file exports is imported by another file: of src, scripts or test. What only its own file uses is not
 * exported; what nobody uses goes.
 *
 * Exempt are the library (src/index.ts), whose users are not in the repository, and default exports, which tools look for.
 * By the syntax alone, without types: an import names what it takes. A namespace (`import * as ns`) takes what `ns.` is
 * followed by, and everything where it is handed on; so does an import() whose names cannot be seen.
 */

import { posix } from 'node:path';
import ts from 'typescript';
import type { Finding, SourceFile } from './check-finding.js';
import { lineAt } from './check-finding.js';

const LIBRARY = 'src/index.ts';
const EVERYTHING = '*';

/** The exports of these files that none of the others imports. */
export function unusedExportFindings(files: readonly SourceFile[]): Finding[] {
  const sources = files
    .filter(({ path }) => /\.m?ts$/.test(path))
    .map((file) => ({ file, tree: ts.createSourceFile(file.path, file.text, ts.ScriptTarget.Latest, true) }));
  const taken = new Set(sources.flatMap(({ file, tree }) => importsOf(file.path, tree)));
  return sources.flatMap(({ file, tree }) =>
    file.path === LIBRARY || taken.has(key(file.path, EVERYTHING))
      ? []
      : exportsOf(tree)
          .filter(({ name }) => name !== 'default' && !taken.has(key(file.path, name)))
          .map(({ name, position }) => ({
            path: file.path,
            line: lineAt(file.text, position),
            message: `nobody imports '${name}': do not export it`,
          })),
  );
}

interface Export {
  readonly name: string;
  readonly position: number;
}

function exportsOf(tree: ts.SourceFile): Export[] {
  return tree.statements.flatMap((statement) => {
    if (ts.isExportDeclaration(statement)) {
      const clause = statement.exportClause;
      if (clause === undefined || !ts.isNamedExports(clause)) return [];
      return clause.elements.map(({ name }) => exported(name));
    }
    const flags = ts.canHaveModifiers(statement) ? ts.getModifiers(statement) : undefined;
    if (!flags?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) return [];
    if (flags.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword)) return [];
    if (ts.isVariableStatement(statement))
      return statement.declarationList.declarations.flatMap(({ name }) => namesIn(name).map(exported));
    const { name } = statement as ts.DeclarationStatement;
    return name === undefined ? [] : [exported(name)];
  });
}

function exported(name: ts.Node): Export {
  return { name: name.getText(), position: name.getStart() };
}

/** The names that a declaration, or a pattern of one, makes. */
function namesIn(name: ts.BindingName): ts.Identifier[] {
  if (ts.isIdentifier(name)) return [name];
  return name.elements.flatMap((element) => (ts.isOmittedExpression(element) ? [] : namesIn(element.name)));
}

/** The keys of all that a file imports, or exports again, of the repository's files. */
function importsOf(path: string, tree: ts.SourceFile): string[] {
  const keys: string[] = [];
  const take = (specifier: ts.Node | undefined, names: readonly string[]): void => {
    if (specifier === undefined || !ts.isStringLiteral(specifier) || !specifier.text.startsWith('.')) return;
    const target = posix.join(posix.dirname(path), specifier.text).replace(/\.(m?)js$/, '.$1ts');
    for (const name of names) keys.push(key(target, name));
  };
  for (const node of tree.statements) {
    if (ts.isImportDeclaration(node)) take(node.moduleSpecifier, namesImported(node.importClause, tree));
    else if (ts.isExportDeclaration(node)) take(node.moduleSpecifier, namesExportedAgain(node));
  }
  if (!/\bimport\(/.test(tree.text)) return keys;
  visitAll(tree, (node) => {
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
      take(node.argument.literal, [
        node.qualifier === undefined ? EVERYTHING : firstName(node.qualifier).text,
      ]);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      take(node.arguments[0], namesOfImportCall(node));
  });
  return keys;
}

function namesImported(clause: ts.ImportClause | undefined, tree: ts.SourceFile): string[] {
  const bindings = clause?.namedBindings;
  if (bindings === undefined) return [];
  if (ts.isNamespaceImport(bindings)) return membersOf(bindings.name.text, tree);
  return bindings.elements.map(({ propertyName, name }) => (propertyName ?? name).text);
}

function namesExportedAgain({ exportClause }: ts.ExportDeclaration): string[] {
  if (exportClause === undefined || !ts.isNamedExports(exportClause)) return [EVERYTHING];
  return exportClause.elements.map(({ propertyName, name }) => (propertyName ?? name).text);
}

/** `(await import('x')).name` and `const { name } = await import('x')`. */
function namesOfImportCall(call: ts.CallExpression): string[] {
  let node: ts.Node = call.parent;
  while (ts.isAwaitExpression(node) || ts.isParenthesizedExpression(node)) node = node.parent;
  if (ts.isPropertyAccessExpression(node)) return [node.name.text];
  if (!ts.isVariableDeclaration(node) || !ts.isObjectBindingPattern(node.name)) return [EVERYTHING];
  return node.name.elements.map(({ propertyName, name }) => (propertyName ?? name).getText());
}

/** What follows `name.` in the file; everything if the name stands alone somewhere. */
function membersOf(name: string, tree: ts.SourceFile): string[] {
  const members: string[] = [];
  visitAll(tree, (node) => {
    if (ts.isIdentifier(node) && node.text === name && !ts.isNamespaceImport(node.parent))
      members.push(memberAt(node));
  });
  return members;
}

function visitAll(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => visitAll(child, visit));
}

function memberAt(node: ts.Identifier): string {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent) && parent.expression === node) return parent.name.text;
  if (ts.isQualifiedName(parent) && parent.left === node) return parent.right.text;
  return EVERYTHING;
}

function firstName(name: ts.EntityName): ts.Identifier {
  return ts.isIdentifier(name) ? name : firstName(name.left);
}

function key(path: string, name: string): string {
  return `${path}\0${name}`;
}
