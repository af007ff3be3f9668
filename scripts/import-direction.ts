/**
 * The rule that imports point one way (design.md, "Folders"):
 * errno <- linux, fuse, vfs <- union, mounts <- store <- image <- volume <- daemon <- container <- cli; engine <- daemon.
 *
 * `mayImport` is the whole rule: a module imports itself and what its line names. src/index.ts, the library, may import
 * anything but cli; nobody imports cli or index.ts, and nothing in src imports from outside of src.
 * INVARIANT: the table has no cycle (tested).
 */

import { posix } from 'node:path';
import ts from 'typescript';
import type { Finding, SourceFile } from './check/finding.js';
import { lineAt } from './check/finding.js';

const ground = ['errno'];
// Names and records of the seam are what the wire and the syscalls speak in.
const words = [...ground, 'vfs'];
const kernel = [...words, 'linux', 'fuse', 'files'];
const trees = [...kernel, 'union', 'mounts'];
const engines = [...trees, 'engine'];
// What is kept on disk knows the union's on-disk form (whiteouts, opaque), not who serves it.
const stored = ['errno', 'linux', 'vfs', 'union', 'mounts'];
const kept = ['store', 'image', 'volume'];
const containers = [...stored, 'files', ...kept, 'engine', 'daemon'];

/** What each module of src may import besides itself. */
export const mayImport: Readonly<Record<string, readonly string[]>> = {
  errno: [],
  vfs: ground,
  linux: words,
  fuse: words,
  files: [...words, 'linux'],
  union: kernel.filter((module) => module !== 'fuse'),
  mounts: kernel.filter((module) => module !== 'fuse'),
  engine: trees,
  daemon: [...engines, ...kept],
  store: stored,
  image: [...stored, 'store'],
  volume: [...stored, 'files', 'store', 'image'],
  container: containers,
  build: [...containers, 'container'],
  cli: [...engines, ...containers, 'container', 'build'],
};

/** The imports of one file that point the wrong way; files outside of src have none. */
export function importFindings(file: SourceFile): Finding[] {
  if (!file.path.startsWith('src/') || !file.path.endsWith('.ts')) return [];
  const importer = moduleOf(file.path);
  return importsOf(file.text).flatMap(({ specifier, position }) => {
    if (!specifier.startsWith('.')) return [];
    const target = posix.join(posix.dirname(file.path), specifier);
    const problem = wrong(importer, target);
    return problem === undefined
      ? []
      : [{ path: file.path, line: lineAt(file.text, position), message: problem }];
  });
}

/** The first folder below src, or `index` for a file right in src. */
function moduleOf(path: string): string {
  const [, module = '', ...rest] = path.split('/');
  return rest.length === 0 ? 'index' : module;
}

function wrong(importer: string, target: string): string | undefined {
  if (!target.startsWith('src/')) return `src imports '${target}' from outside of src`;
  const imported = moduleOf(target);
  if (imported === importer) return undefined;
  if (imported === 'cli') return 'nobody imports cli';
  if (imported === 'index') return 'nobody in src imports the library entry src/index.ts';
  if (importer === 'index') return undefined;
  const allowed = mayImport[importer];
  if (allowed === undefined) return `module '${importer}' is not in the table of scripts/import-direction.ts`;
  if (allowed.includes(imported)) return undefined;
  return `${importer} imports ${imported}; it may import only ${allowed.join(', ') || 'nothing'}`;
}

interface Import {
  readonly specifier: string;
  readonly position: number;
}

/** Static imports, re-exports, import() and import types; comments and strings do not count, hence the parser. */
function importsOf(text: string): Import[] {
  return ts
    .preProcessFile(text, true, true)
    .importedFiles.map(({ fileName, pos }) => ({ specifier: fileName, position: pos }));
}
