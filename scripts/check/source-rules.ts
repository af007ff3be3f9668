/**
 * The rules of `npm run check` on the text of single files, beyond what Biome and ESLint look at: file length, README
 * length, hosts of package sources, tests switched off, how doc comments begin, catches that drop what they caught, imports of
 * node:process.
 */

import type { Finding, Rule, SourceFile } from './check-finding.js';
import { findMatches } from './check-finding.js';
import { withoutContents } from './module-contents.js';

export const maxFileLines = 500;
export const maxReadmeLines = 60;

const code = /\.(ts|mjs|js|sh)$/;

/** A source file above 500 lines is to be split. */
export function fileLengthFindings(file: SourceFile): Finding[] {
  return code.test(file.path) ? tooLong(file, maxFileLines) : [];
}

/** The README of a module says the purpose and the decisions, in 60 lines at most. */
export function readmeFindings(file: SourceFile): Finding[] {
  if (!/^(src\/.+|scripts)\/README\.md$/.test(file.path)) return [];
  return tooLong({ ...file, text: withoutContents(file.text) }, maxReadmeLines);
}

function tooLong(file: SourceFile, limit: number): Finding[] {
  const lines = file.text.split('\n').length - (file.text.endsWith('\n') ? 1 : 0);
  if (lines <= limit) return [];
  return [{ path: file.path, line: limit + 1, message: `${lines} lines, at most ${limit}` }];
}

/**
 * The rule that no file names a host of npm's or apt's package sources: which ones are used is the machine's business.
 * `configured` are the hosts that this machine uses (package-hosts.ts); well-known public ones are found without it.
 */
export function hostRule(configured: readonly string[]): Rule {
  const known = [
    String.raw`registry\.(?:npmjs|yarnpkg)\.[a-z]+`,
    String.raw`(?:deb|security|snapshot|ftp(?:\.[a-z]+)?)\.debian\.org`,
    String.raw`(?:archive|ports)\.ubuntu\.com`,
  ];
  const hosts = [...known, ...configured.map((host) => host.replaceAll('.', '\\.'))];
  const pattern = new RegExp(`(?<![\\w.-])(?:${hosts.join('|')})(?![\\w-])`, 'gi');
  return (file) => findMatches(file, pattern, (host) => `names the package source '${host}'`);
}

/** Tests that are switched off, or that switch the others off. */
export function switchedOffFindings(file: SourceFile): Finding[] {
  if (!/^test\/.*\.ts$/.test(file.path)) return [];
  const pattern =
    /\b(?:describe|it|test|suite|bench)(?:\.\w+)*\.(?:skip|only|todo)\b|\b[xf](?:it|describe|test)\(/g;
  return findMatches(blankStrings(file), pattern, (match) => `'${match}' leaves tests out`);
}

/** An import of `node:process` reads all of its getters: that of stdin makes a terminal non-blocking for all who have it. */
export function processImportFindings(file: SourceFile): Finding[] {
  if (!/^src\/.*\.ts$/.test(file.path)) return [];
  return findMatches(
    file,
    /\bfrom 'node:process'/g,
    () => "use the global 'process': its import opens standard input",
  );
}

/** A doc comment that begins with "Of" or "Who" has no subject. A test file may say by "Who ..." which question it answers. */
export function docCommentFindings(file: SourceFile): Finding[] {
  if (!/\.(ts|mjs|js)$/.test(file.path)) return [];
  const words = file.path.startsWith('test/') ? 'Of' : 'Of|Who';
  return findMatches(
    file,
    new RegExp(String.raw`/\*\*\s+(?:\* )?(?:${words})\b`, 'gi'),
    (match) => `doc comment begins with '${match.split(/\s/).at(-1)}': begin with a noun or a verb`,
  );
}

/** A catch with nothing, or only a comment, in it; also a rejection that is dropped. */
export function emptyCatchFindings(file: SourceFile): Finding[] {
  if (!/\.(ts|mjs|js)$/.test(file.path)) return [];
  const comments = String.raw`(?:\s|//[^\n]*\n|/\*(?:[^*]|\*(?!/))*\*/)*`;
  const pattern = new RegExp(
    String.raw`\bcatch\s*(?:\([^)]*\)\s*)?\{${comments}\}|\.catch\(\s*\([^)]*\)\s*=>\s*\{${comments}\}\s*\)`,
    'g',
  );
  return findMatches(
    blankStrings(file),
    pattern,
    () => 'empty catch: name the codes expected, rethrow the rest',
  );
}

/** The same text with the inside of one-line strings blanked, so that a text about a rule does not break it. */
function blankStrings(file: SourceFile): SourceFile {
  const text = file.text.replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g, (literal) =>
    literal.replace(/./g, (char, at: number) => (at === 0 || at === literal.length - 1 ? char : ' ')),
  );
  return { path: file.path, text };
}
