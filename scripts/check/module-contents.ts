/**
 * The part of each README below src that tells what its module may import and what its files hold. It is written from
 * the table of import-direction.ts and from the first sentence of each file, so that it cannot differ from them:
 * `npm run check -- --write` writes it, and the check fails where it is out of date.
 */

import { posix } from 'node:path';
import { foldersMayImport, mayImport } from '../import-direction.js';
import type { Finding, SourceFile } from './check-finding.js';
import { lineAt } from './check-finding.js';

const contentsStart = '<!-- contents: written by `npm run check -- --write` -->';
const contentsEnd = '<!-- /contents -->';
const maxSentence = 130;

/** READMEs whose part is not what it would be written as, and modules without a README. */
export function contentsFindings(files: readonly SourceFile[]): Finding[] {
  const missing = Object.keys(mayImport)
    .map((module) => `src/${module}/README.md`)
    .filter((path) => !files.some((file) => file.path === path))
    .map((path) => ({ path, line: 1, message: 'the module has no README.md' }));
  return [...missing, ...moduleReadmes(files).flatMap((readme) => outOfDate(readme, files))];
}

/** The READMEs with their parts as they should be; only those that change. */
export function writeContents(files: readonly SourceFile[]): SourceFile[] {
  return moduleReadmes(files).flatMap((readme) => {
    const text = withContents(readme.text, contentsOf(readme.path, files));
    return text === readme.text ? [] : [{ path: readme.path, text }];
  });
}

/** A README without the written part, which the limit on its length leaves out. */
export function withoutContents(text: string): string {
  const [start, end] = [text.indexOf(contentsStart), text.indexOf(contentsEnd)];
  return start === -1 || end < start
    ? text
    : `${text.slice(0, start)}${text.slice(end + contentsEnd.length)}`;
}

function moduleReadmes(files: readonly SourceFile[]): SourceFile[] {
  return files.filter(({ path }) => /^src\/.+\/README\.md$/.test(path));
}

function outOfDate(readme: SourceFile, files: readonly SourceFile[]): Finding[] {
  if (withContents(readme.text, contentsOf(readme.path, files)) === readme.text) return [];
  const line = lineAt(readme.text, Math.max(0, readme.text.indexOf(contentsStart)));
  return [{ path: readme.path, line, message: 'the contents are out of date: npm run check -- --write' }];
}

function withContents(text: string, contents: string): string {
  const [start, end] = [text.indexOf(contentsStart), text.indexOf(contentsEnd)];
  if (start === -1 || end < start) return `${text.trimEnd()}\n\n## Files\n\n${contents}\n`;
  return `${text.slice(0, start)}${contents}${text.slice(end + contentsEnd.length)}`;
}

function contentsOf(readme: string, files: readonly SourceFile[]): string {
  const folder = posix.dirname(readme);
  const inner = moduleReadmes(files)
    .map(({ path }) => posix.dirname(path))
    .filter((path) => path.startsWith(`${folder}/`));
  const own = files.filter(({ path }) => path.startsWith(`${folder}/`) && path.endsWith('.ts'));
  const rows = groupByFolder(own).flatMap(([path, group]) => {
    const documented = inner.find((each) => path === each || path.startsWith(`${each}/`));
    if (documented !== undefined && documented !== path) return [];
    const heading = path === folder ? [] : [folderRow(folder, path)];
    if (documented !== undefined)
      return [`${heading[0]?.slice(0, -2)} ([README](${posix.relative(folder, path)}/README.md)) |`];
    return [...heading, ...group.map(fileRow)];
  });
  const table = ['| file | holds |', '| --- | --- |', ...rows].join('\n');
  return [contentsStart, importLine(folder), '', table, contentsEnd]
    .filter((part) => part !== undefined)
    .join('\n');
}

function importLine(folder: string): string {
  const [, module = '', inner] = folder.split('/');
  if (inner !== undefined) return `Part of \`${module}\`; ${withinText(module, inner)}.`;
  const modules = mayImport[module] ?? [];
  return `May import ${list(modules)}.`;
}

function folderRow(folder: string, path: string): string {
  const module = path.split('/')[1] ?? '';
  const name = posix.relative(`src/${module}`, path);
  const text = name.includes('/') || folder !== `src/${module}` ? '' : withinText(module, name);
  return `| **${posix.relative(folder, path)}/** | ${text} |`;
}

function withinText(module: string, folder: string): string {
  const within = foldersMayImport[module]?.[folder] ?? [];
  return `of \`${module}\` it may import ${list(within.map((each) => (each === '.' ? 'its top' : each)))}`;
}

function list(names: readonly string[]): string {
  return names.length === 0 ? 'nothing' : names.map((name) => `\`${name}\``).join(', ');
}

function fileRow({ path, text }: SourceFile): string {
  return `| ${posix.basename(path)} | ${firstSentence(text).replaceAll('|', '\\|')} |`;
}

/** Files by the folder they lie in; the top first, then folders by name. */
function groupByFolder(files: readonly SourceFile[]): [string, SourceFile[]][] {
  const groups = new Map<string, SourceFile[]>();
  for (const file of files) {
    const folder = posix.dirname(file.path);
    groups.set(folder, [...(groups.get(folder) ?? []), file]);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The first sentence of a file's first comment, or as much of it as a table takes. */
export function firstSentence(text: string): string {
  const comment = /^(?:#!.*\n)?\s*\/\*\*([\s\S]*?)\*\//.exec(text)?.[1] ?? '';
  const words = comment
    .replace(/^[ \t]*\*[ \t]?/gm, '')
    .replace(/\s+/g, ' ')
    .trim();
  const sentence = /^.*?[.](?=\s|$)/.exec(words)?.[0] ?? words;
  if (sentence.length <= maxSentence) return sentence;
  const clause = /^.{30,}?[;:](?=\s)/.exec(sentence)?.[0].slice(0, -1);
  if (clause !== undefined && clause.length <= maxSentence) return `${clause}.`;
  return `${sentence.slice(0, sentence.lastIndexOf(' ', maxSentence - 4))} ...`;
}
