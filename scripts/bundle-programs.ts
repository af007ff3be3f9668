/**
 * The programs of the package in few files, dist/bin: Node takes half a millisecond and more to find, read and link a module, and
 * a command loads up to 170.
 *
 * A module lies in the file of the program or command that needs it, told by the imports that begin a module; one that several
 * need lies with what the smallest of them shares (SHARERS): so each of them loads little else than it needs, in some five to ten
 * files. What only few commands need is divided by rolldown. The code stays readable: nothing is shortened. Packages stay
 * outside, but for the one that reads command lines (its licence lies beside).
 *
 * INVARIANT: all programs lie in one folder, where a module that starts another program finds it by its base name.
 */

import { copyFileSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { type Plugin, rolldown } from 'rolldown';

/** What users start, by its path below dist/src; what these start in their turn is found in the code. */
const COMMANDS = ['cli/main', 'cli/plyfs-overlay'];

/** What is started often, each with the modules that it loads when it runs. */
const OFTEN: Readonly<Record<string, readonly string[]>> = {
  plyfs: ['cli/main', 'cli/program', 'cli/frame/global-options', 'cli/frame/mount-helper'],
  ps: ['cli/commands/container/container-list', 'container/view/list-containers', 'store/store-view'],
  run: [
    'cli/commands/container/run/container-run',
    'cli/commands/container/run/ensure-image',
    'cli/commands/container/run/id-file',
    'container/command/attach/detach-keys',
    'container/command/start-supervisor',
    'container/make/create-container',
    'container/make/parsed-options',
    'store/store',
  ],
  mount: [
    'cli/commands/mount-command',
    'daemon/client/launch',
    'daemon/client/launch-shared',
    'daemon/config/build-config',
    'daemon/config/upper-layers',
    'daemon/config/validate-stack',
  ],
  umount: ['cli/commands/umount-command', 'daemon/client/unmount'],
  try: [
    'cli/commands/draft/try-command',
    'cli/commands/draft/open-drafts',
    'draft/choose-draft',
    'draft/run-in-draft',
    'draft/enter/start-in-tree',
    'daemon/client/launch-shared',
    'store/store',
  ],
  exec: ['cli/commands/container/run/container-exec', 'container/command/exec-in-container'],
  stop: ['cli/commands/container/container-stop', 'container/end/stop-container'],
  supervisor: ['container/command/supervise-main', 'daemon/client/launch-shared'],
  enter: ['container/enter/template-main', 'container/enter/enter-main'],
  daemon: ['daemon/serve/shared-main', 'daemon/serve/shared-daemon'],
  session: ['daemon/session/session-worker'],
};

/** Those that share modules, from what is to load least; commands share among themselves what none but commands needs. */
const SHARERS = [
  'plyfs',
  'ps',
  'umount',
  'enter',
  'mount',
  'try',
  'exec',
  'stop',
  'daemon',
  'run',
  'session',
  'supervisor',
];
const CLIENTS: ReadonlySet<string> = new Set([
  'plyfs',
  'ps',
  'run',
  'mount',
  'umount',
  'try',
  'exec',
  'stop',
]);
const COMMAND_LINES = 'commander';

/**
 * What users start begins as a script of /bin/sh, of which Node sees a string and a comment a line: `env -S` would do it in one
 * line, and busybox has none. NODE_EXTRA_CA_CERTS goes by another name, and so do variables that shells drop for their names
 * (cli/frame/start-environment.ts). `--` keeps Node from taking an `--env-file` of ours for its own.
 */
const FIRST_LINES = `#!/bin/sh
':' //; odd() { LC_ALL=C grep "$@" -zE '^([0-9]|[^=]*[^=0-9A-Za-z_])' "/proc/$$/environ" 2>/dev/null; }
':' //; ! odd -q || export PLYFS_ODD_ENVIRON="$(odd | base64)"
':' //; export PLYFS_EXTRA_CA_CERTS="\${NODE_EXTRA_CA_CERTS-}"; unset NODE_EXTRA_CA_CERTS; exec node -- "$0" "$@"
`;

/** As a module names the file of another program or thread, or any other that lies beside it. */
const FILE_OF_OURS = /new URL\('(\.{1,2}\/[^']+)', import\.meta\.url\)/g;
/** As tsc writes imports and re-exports of neighbours. */
const NEIGHBOUR = /^(?:import |(?:import|export)\b[^'"]*\bfrom )'(\.{1,2}\/[^']+)';$/gm;

/** Reads dist/src and writes a folder of dist anew. */
export async function bundlePrograms(dist: string, directory: string): Promise<void> {
  const source = join(dist, 'src');
  const programs = programsIn(source);
  const users = usersOfModules(source);
  // One that awaits an import at its top would wait for itself where both lie in one file.
  for (const path of programs) users.delete(path);
  const bundle = await rolldown({
    input: Object.fromEntries(programs.map((path) => [basename(path, '.js'), path])),
    platform: 'node',
    // Commands are loaded when they run, what they share lies together.
    checks: { ineffectiveDynamicImport: false },
    preserveEntrySignatures: 'allow-extension',
    // Packages, and what Node has.
    external: (id) => !/^[./]/.test(id) && id !== COMMAND_LINES,
    plugins: [
      {
        name: 'programs-in-one-folder',
        transform: (code, id) =>
          code.replaceAll(FILE_OF_OURS, (_, file: string) => {
            const path = resolve(dirname(id), file);
            const place = programs.includes(path) ? `./${basename(path)}` : relative(directory, path);
            return `new URL('${place}', import.meta.url)`;
          }),
      },
      withoutFacades,
      withoutModuleLookups,
      begunByShell,
    ],
  });
  rmSync(directory, { recursive: true, force: true });
  await bundle.write({
    dir: directory,
    format: 'esm',
    // A third of what V8 would read.
    comments: { legal: true, annotation: false, jsdoc: false },
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
    codeSplitting: {
      includeDependenciesRecursively: false,
      groups: [{ debugName: 'users', name: (id) => groupOf(id, users) }],
    },
  });
  await bundle.close();
  const licence = createRequire(import.meta.url).resolve(COMMAND_LINES);
  copyFileSync(join(dirname(licence), 'LICENSE'), join(directory, `${COMMAND_LINES}.LICENSE`));
}

/** What a command loads later lies in a file that is there by then; the one that only says so need not be read. */
const withoutFacades: Plugin = {
  name: 'without-facades',
  generateBundle(_, bundle) {
    const places = new Map<string, string>();
    for (const [file, output] of Object.entries(bundle)) {
      const [, names = '', place] = (output.type === 'chunk' && output.code.match(FACADE)) || [];
      if (place === undefined || (output.type === 'chunk' && !output.isDynamicEntry)) continue;
      const fields = names.split(', ').map((name) => {
        const [inside = '', outside = inside] = name.split(' as ');
        return `${outside}: all.${inside}`;
      });
      places.set(`import("./${file}")`, `import("${place}").then((all) => ({ ${fields.join(', ')} }))`);
      delete bundle[file];
    }
    for (const output of Object.values(bundle))
      if (output.type === 'chunk')
        output.code = output.code.replaceAll(LATER, (call) => places.get(call) ?? call);
  },
};

/**
 * What Node has without an `import`: for that Node reads each property of a module of its own, and so loads those parts of `fs`
 * that nobody asked for. Node's crypto is loaded by its first call. koffi is imported: threads that start from code in memory,
 * when the package is gone, find it by that.
 */
const withoutModuleLookups: Plugin = {
  name: 'without-module-lookups',
  generateBundle(_, bundle) {
    for (const output of Object.values(bundle)) {
      if (output.type !== 'chunk') continue;
      output.code = output.code.replaceAll(OF_NODE, (_call, names: string, module: string) =>
        constantsOf(names, module),
      );
    }
  },
};

const begunByShell: Plugin = {
  name: 'begun-by-shell',
  generateBundle(_, bundle) {
    for (const output of Object.values(bundle))
      if (output.type === 'chunk') output.code = output.code.replace(/^#!.*\n/, () => FIRST_LINES);
  },
};

const OF_NODE = /^import (.+) from "(node:[a-z_/0-9]+)";$/gm;
/** Imported by functions alone. */
const LATE_MODULE = 'node:crypto';

/** @param names as between `import` and `from`. */
function constantsOf(names: string, module: string): string {
  const from = `process.getBuiltinModule("${module}")`;
  const [, whole, , listed = ''] = names.match(/^(\w+)?(, )?(?:\{ (.*) \})?$/) ?? [];
  const pairs = listed === '' ? [] : listed.split(', ').map((name) => name.split(' as '));
  if (module === LATE_MODULE)
    return pairs
      .map(([name, own = name]) => `const ${own} = (...args) => ${from}.${name}(...args);`)
      .join('\n');
  const lines = whole === undefined ? [] : [`const ${whole} = ${from};`];
  const fields = pairs.map(([name, own = name]) => (own === name ? name : `${name}: ${own}`));
  if (fields.length > 0) lines.push(`const { ${fields.join(', ')} } = ${from};`);
  return lines.join('\n');
}

const FACADE = /^export \{ ([^}]+) \} from "(\.\/[^"]+)";\s*$/;
const LATER = /\bimport\("\.\/[^"]+"\)/g;

/** The file of a module; null where rolldown is to say. */
function groupOf(id: string, users: ReadonlyMap<string, ReadonlySet<string>>): string | null {
  if (id.includes(`/node_modules/${COMMAND_LINES}/`)) return 'clients';
  const needing = users.get(id);
  if (needing === undefined) return null;
  const [only = ''] = needing;
  if (needing.size === 1) return only;
  if ([...needing].every((name) => CLIENTS.has(name))) return 'clients';
  // A command does not read what only processes behind it share.
  const side = [...needing].some((name) => CLIENTS.has(name)) ? 'shared' : 'behind';
  return `${SHARERS.find((name) => needing.has(name))}-${side}`;
}

/** The files that Node is started with: commands, daemons, threads, what becomes a container's command. */
function programsIn(source: string): string[] {
  const programs = new Set(COMMANDS.map((path) => join(source, `${path}.js`)));
  for (const file of readdirSync(source, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.js')) continue;
    const path = join(source, file);
    for (const [, other = ''] of readFileSync(path, 'utf8').matchAll(FILE_OF_OURS))
      if (other.endsWith('.js')) programs.add(resolve(dirname(path), other));
  }
  return [...programs].sort();
}

/** The programs that need a module; absent for what is needed by nothing that is started often. */
function usersOfModules(source: string): Map<string, Set<string>> {
  const users = new Map<string, Set<string>>();
  for (const [name, paths] of Object.entries(OFTEN)) {
    const todo = paths.map((path) => join(source, `${path}.js`));
    for (let path = todo.pop(); path !== undefined; path = todo.pop()) {
      const needing = users.get(path) ?? new Set();
      if (needing.has(name)) continue;
      users.set(path, needing.add(name));
      for (const [, neighbour = ''] of readFileSync(path, 'utf8').matchAll(NEIGHBOUR))
        todo.push(resolve(dirname(path), neighbour));
    }
  }
  return users;
}
