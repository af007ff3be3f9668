/**
 * The rule that imports point one way (design.md, "Folders"):
 * errno <- linux, fuse, vfs <- realfs <- union, mounts <- engine <- daemon <- container <- cli; archive, dockerfile, store, image,
 * volume, image-build, serve, library beside them.
 *
 * `mayImport` is the whole rule: a module imports itself and what its line names. src/index.ts, the library, may import
 * anything but cli; nobody imports cli or index.ts, and nothing in src imports from outside of src. `foldersMayImport` says
 * the same of the folders of a module.
 * INVARIANT: the table has no cycle (tested).
 */

import { posix } from 'node:path';
import ts from 'typescript';
import type { Finding, SourceFile } from './check/check-finding.js';
import { lineAt } from './check/check-finding.js';

const ground = ['errno'];
// Names and records of the seam are what the wire and the syscalls speak in.
const words = [...ground, 'vfs'];
const kernel = [...words, 'linux', 'fuse', 'realfs'];
const trees = [...kernel, 'union', 'mounts'];
const engines = [...trees, 'engine'];
// What is kept on disk knows the union's on-disk form (whiteouts, opaque), not who serves it.
const stored = ['errno', 'linux', 'vfs', 'union', 'mounts'];
const kept = ['store', 'archive', 'image', 'volume'];
const containers = [...stored, 'realfs', ...kept, 'engine', 'daemon'];

/** What each module of src may import besides itself. */
export const mayImport: Readonly<Record<string, readonly string[]>> = {
  errno: [],
  vfs: ground,
  linux: words,
  fuse: words,
  realfs: [...words, 'linux'],
  union: kernel.filter((module) => module !== 'fuse'),
  mounts: kernel.filter((module) => module !== 'fuse'),
  engine: trees,
  daemon: [...engines, ...kept],
  store: stored,
  archive: ['errno', 'linux', 'vfs', 'union'],
  dockerfile: ground,
  image: [...stored, 'realfs', 'store', 'archive', 'dockerfile'],
  volume: [...stored, 'realfs', 'store', 'archive', 'image'],
  container: containers,
  draft: [...containers, 'container'],
  snapshot: [...containers, 'container', 'draft'],
  'image-build': [...containers, 'container', 'dockerfile'],
  serve: containers,
  mcp: [...containers, 'container', 'draft', 'snapshot'],
  ui: [...containers, 'container', 'draft', 'image-build', 'serve', 'snapshot'],
  library: [...containers, 'container', 'draft', 'snapshot', 'dockerfile', 'image-build'],
  cli: [
    ...engines,
    ...containers,
    'container',
    'draft',
    'snapshot',
    'dockerfile',
    'image-build',
    'serve',
    'mcp',
    'ui',
  ],
};

/** The imports of one file that point the wrong way; files outside of src have none. */
export function importFindings(file: SourceFile): Finding[] {
  if (!file.path.startsWith('src/') || !file.path.endsWith('.ts')) return [];
  const importer = moduleOf(file.path);
  return importsOf(file.text).flatMap(({ specifier, position }) => {
    if (!specifier.startsWith('.')) return [];
    const target = posix.join(posix.dirname(file.path), specifier);
    const problem = wrong(importer, target) ?? wrongWithin(file.path, target);
    return problem === undefined
      ? []
      : [{ path: file.path, line: lineAt(file.text, position), message: problem }];
  });
}

/**
 * What each folder right below a module may import of its own module besides itself; `.` are the files at its top, which
 * may import any folder. Folders further down count as part of the one they lie in.
 * INVARIANT: no cycle (tested).
 */
export const foldersMayImport: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  archive: { compress: [], tar: [], streams: ['compress'], tree: ['tar'] },
  cli: {
    print: [],
    system: [],
    frame: ['print'],
    help: [],
    doctor: ['print'],
    terminal: [],
    commands: ['doctor', 'frame', 'help', 'print', 'system', 'terminal'],
  },
  container: {
    enter: [],
    cgroup: ['enter'],
    record: ['enter'],
    tree: ['enter', 'record'],
    make: ['cgroup', 'enter', 'record', 'tree'],
    end: ['cgroup', 'record', 'tree'],
    command: ['cgroup', 'end', 'enter', 'make', 'record', 'tree'],
    changes: ['end', 'record', 'tree'],
    snapshot: ['end', 'make', 'record', 'tree'],
    copy: ['record', 'tree'],
    view: ['cgroup', 'command', 'end', 'enter', 'record'],
  },
  daemon: {
    config: [],
    'run-directory': ['config'],
    messages: ['config', 'run-directory'],
    session: ['config', 'messages'],
    serve: ['config', 'messages', 'run-directory', 'session'],
    client: ['config', 'messages', 'run-directory'],
  },
  draft: {
    record: [],
    enter: [],
    mount: ['enter', 'record'],
    changes: ['record'],
    apply: ['changes', 'record'],
  },
  engine: {
    threads: [],
    jobs: ['threads'],
    operations: [],
    remote: ['.', 'jobs', 'operations'],
    kernel: ['.', 'jobs', 'operations', 'remote'],
    'fuse-native': ['.', 'jobs'],
  },
  fuse: { abi: [], messages: ['abi'] },
  image: {
    oci: [],
    catalog: ['oci'],
    contents: ['catalog'],
    layer: ['oci'],
    add: ['catalog', 'layer', 'layout', 'oci'],
    layout: ['catalog', 'oci'],
    registry: ['add', 'catalog', 'layer', 'layout', 'oci'],
  },
  'image-build': { context: [], stage: [], steps: ['context', 'stage'] },
  linux: { files: ['.'], io: ['.', 'files'], mounts: ['.', 'files'], process: ['.', 'files', 'mounts'] },
  mounts: {
    request: [],
    mirror: ['request'],
    remote: ['request'],
    kinds: ['mirror', 'remote', 'request'],
    points: ['mirror', 'remote'],
  },
  realfs: { disk: ['.'], 'tree-copy': ['.'] },
  serve: { socket: [], mount: [], docker: ['mount', 'socket'], containerd: ['mount', 'socket'] },
  store: { uppers: ['.'] },
  ui: { answer: ['.'], change: ['.'], serve: ['.'], page: ['.'] },
  union: {
    form: [],
    stack: ['form'],
    nodes: ['form', 'stack'],
    'copy-up': ['form', 'nodes', 'stack'],
    changes: ['copy-up', 'form', 'nodes', 'stack'],
  },
};

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

/** An import of one folder of a module by another that its table does not allow. */
function wrongWithin(path: string, target: string): string | undefined {
  const module = moduleOf(path);
  const [from, to] = [folderOf(path), folderOf(target)];
  if (module !== moduleOf(target) || from === to || from === '.') return undefined;
  const allowed = foldersMayImport[module]?.[from];
  if (allowed === undefined)
    return `folder '${module}/${from}' is not in the table of scripts/import-direction.ts`;
  if (allowed.includes(to)) return undefined;
  return `${module}/${from} imports ${module}/${to}; of ${module} it may import only ${allowed.join(', ') || 'nothing'}`;
}

/** The folder right below the module, or `.`. */
function folderOf(path: string): string {
  const parts = path.split('/');
  return parts.length > 3 ? (parts[2] ?? '.') : '.';
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
