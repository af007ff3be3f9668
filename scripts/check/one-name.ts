/**
 * The rule that one thing has one name and two things never share one: the base names of files of src, scripts and test, and what the
 * modules of src export.
 */

import { posix } from 'node:path';
import ts from 'typescript';
import type { Finding, SourceFile } from './check-finding.js';
import { lineAt } from './check-finding.js';

/** Names that may stand twice, each with the reason. */
const allowed: ReadonlyMap<string, string> = new Map([
  ['mount', 'the library has the word of the command, linux/mounts that of mount(2)'],
]);

interface Occurrence {
  readonly path: string;
  readonly line: number;
}

/** A finding for each occurrence after the first of a base name of a file, or of an exported name of src. */
export function oneNameFindings(files: readonly SourceFile[]): Finding[] {
  // A test is named after what it tests: only what tests share counts.
  const sources = files.filter(({ path }) => /^(?:src|scripts|test)\/.+(?<!\.test)\.ts$/.test(path));
  const bases = new Map<string, Occurrence[]>();
  const names = new Map<string, Occurrence[]>();
  for (const file of sources) {
    add(bases, posix.basename(file.path), { path: file.path, line: 1 });
    if (file.path.startsWith('src/'))
      for (const [name, line] of exportsOf(file)) add(names, name, { path: file.path, line });
  }
  return [...twice(bases, 'the name of the file'), ...twice(names, 'the exported name')];
}

function add(occurrences: Map<string, Occurrence[]>, name: string, occurrence: Occurrence): void {
  const known = occurrences.get(name);
  if (known === undefined) occurrences.set(name, [occurrence]);
  else known.push(occurrence);
}

function twice(occurrences: ReadonlyMap<string, readonly Occurrence[]>, what: string): Finding[] {
  return [...occurrences].flatMap(([name, [first, ...others]]) =>
    allowed.has(name)
      ? []
      : others.map(({ path, line }) => ({
          path,
          line,
          message: `${what} '${name}' is that of ${first!.path}`,
        })),
  );
}

/** What a file declares and exports, once each though it is overloaded or merged; what it passes on is not its own. */
function exportsOf({ path, text }: SourceFile): Map<string, number> {
  const found = new Map<string, number>();
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, false);
  for (const statement of source.statements) {
    if (!ts.canHaveModifiers(statement)) continue;
    if (!ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) continue;
    for (const name of namesOf(statement)) found.set(name.text, lineAt(text, name.pos));
  }
  return found;
}

function namesOf(statement: ts.Statement): ts.Identifier[] {
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.flatMap(({ name }) =>
      ts.isIdentifier(name) ? [name] : [],
    );
  const { name } = statement as ts.Statement & { readonly name?: ts.Node };
  return name !== undefined && ts.isIdentifier(name) ? [name] : [];
}
