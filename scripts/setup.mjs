/**
 * All commands of package.json but `build`: brings a fresh checkout to the point where that command can run, then runs it.
 *
 * Plain JavaScript without dependencies, because it runs before `npm ci` ever did and before anything is compiled.
 * Steps, each skipped when its result is already there: Node version and platform, node_modules as the lock file
 * has it, fuse3 (native-setup/install.sh), dist compiled from the sources as they are now.
 * INVARIANT: says one line for each step that takes time, nothing for the others; a failed step shows its output.
 */

import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--exclude', 'dist/**'];

/** What each command needs beyond node_modules and dist, and what it runs. */
const commands = {
  check: { run: ['dist/scripts/check.js'], mounts: false },
  demo: { run: ['dist/scripts/demo.js'], mounts: true },
  // Without what takes minutes by itself: `test:long`.
  test: { run: [...vitest, '--exclude', '**/*.long.test.ts'], mounts: true },
  // The loop of who changes something: no mount but in unit/linux, whose tests ask for root themselves.
  'test:unit': {
    run: [...vitest, '--exclude', '**/*.long.test.ts', 'test/unit', 'test/in-process'],
    mounts: false,
  },
  'test:long': { run: [...vitest, '.long.test.ts'], mounts: true },
  fuzz: { run: ['dist/test/differential/fuzz.js'], mounts: true },
  'fuzz:inputs': { run: ['dist/test/fuzz/fuzz-main.js'], mounts: false },
  format: { run: ['node_modules/@biomejs/biome/bin/biome', 'check', '--write'], mounts: false },
  lint: { run: ['node_modules/eslint/bin/eslint.js', '.'], mounts: false },
  typecheck: { run: ['node_modules/typescript/bin/tsc', '--noEmit', '-p', 'tsconfig.json'], mounts: false },
  soak: { run: ['dist/scripts/soak/soak-main.js'], mounts: true },
  bench: { run: ['dist/scripts/bench/bench-main.js'], mounts: true },
  'test:build': { run: ['dist/test/build/compare-builds.js'], mounts: true },
  'test:docker': { run: ['dist/test/docker/compare-main.js'], mounts: true },
  // Called by npm before `npm pack` and `npm publish`, whose form of the output is npm's.
  prepack: { run: ['dist/scripts/write-package-files.js'], mounts: false, isClean: true },
};

function fail(line) {
  process.stderr.write(`setup: ${line}\n`);
  process.exit(1);
}

function say(line) {
  process.stderr.write(`setup: ${line}\n`);
}

/** Runs a step silently; its output is shown only when it failed. */
function step(what, command, args) {
  say(what);
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 64 << 20 });
  if (result.error) fail(`${what}: cannot run '${command}': ${result.error.message}`);
  if (result.status !== 0) process.stderr.write(`${result.stdout}${result.stderr}`);
  return result.status ?? 1;
}

function checkPlatform() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (process.platform !== 'linux') fail(`plyfs needs Linux, this is ${process.platform}`);
  if (major < 20 || (major === 20 && minor < 19))
    fail(`plyfs needs Node 20.19 or later, this is ${process.versions.node}; install a newer Node`);
}

/** A command that mounts says in one line why it cannot, before anything is installed or compiled. */
function checkPrivilege(name) {
  if (process.getuid?.() === 0) return;
  const hint = name === 'test' ? ' (without root: npm run test:unit)' : '';
  fail(`'npm run ${name}' mounts file systems and needs root; run: sudo npm run ${name}${hint}`);
}

/** npm's packages as package-lock.json has them. A symlinked node_modules belongs to another checkout: used as it is. */
function installPackages() {
  const modules = join(root, 'node_modules');
  const stamp = join(modules, '.plyfs-lock');
  if (lstatSync(modules, { throwIfNoEntry: false })?.isSymbolicLink()) return;
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  if (!installedByHand(modules)) {
    const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
    const status = step('installing npm packages into node_modules (npm ci)', 'npm', args);
    if (status !== 0) fail(`npm ci failed with status ${status}; its output is above`);
  }
  writeFileSync(stamp, lock);
}

/** npm writes node_modules/.package-lock.json last, so a newer one means that `npm ci` saw this lock file. */
function installedByHand(modules) {
  const written = statSync(join(modules, '.package-lock.json'), { throwIfNoEntry: false });
  return written !== undefined && written.mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs;
}

function installNative(name) {
  runNative('install.sh');
  if (name === 'test' || name === 'test:long') runNative('test-packages.sh');
  if (name === 'test:build' || name === 'test:long')
    runNative('test-packages.sh', ['buildah', 'docker.io', 'busybox-static']);
  if (name === 'test:long') runNative('test-packages.sh', ['chromium']);
  if (name === 'test:docker') runNative('test-packages.sh', ['docker.io', 'busybox-static']);
}

function runNative(file, args = []) {
  const script = join(root, 'native-setup', file);
  // What it installs it says itself, before it does.
  const stdio = ['ignore', 'pipe', 'inherit'];
  const result = spawnSync('sh', [script, ...args], { cwd: root, encoding: 'utf8', stdio });
  if (result.status === 0) return;
  process.stderr.write(result.stdout);
  fail(`native-setup/${file} failed with status ${result.status}; its output is above`);
}

/** Every file that tsc reads, with what tells one state of it from another. */
function sourceStates() {
  const states = {};
  const walk = (folder) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (/\.(ts|mts|cts|json)$/.test(entry.name)) states[path] = fileState(path);
    }
  };
  for (const folder of ['src', 'scripts', 'test', 'native-setup'])
    if (existsSync(join(root, folder))) walk(folder);
  for (const path of ['tsconfig.json', 'package-lock.json']) states[path] = fileState(path);
  return states;
}

function fileState(path) {
  const { mtimeMs, size } = statSync(join(root, path));
  return `${mtimeMs} ${size}`;
}

/** tsc removes nothing, so the output of a source that is gone goes here, or a test of it would still be run. */
function build() {
  const dist = join(root, 'dist');
  const stamp = join(dist, '.plyfs-sources');
  const now = sourceStates();
  const before = existsSync(stamp) ? JSON.parse(readFileSync(stamp, 'utf8')) : {};
  const text = JSON.stringify(now);
  if (JSON.stringify(before) === text) return 0;
  if (Object.keys(before).some((path) => !(path in now))) rmSync(dist, { recursive: true, force: true });
  const tsc = join('node_modules', 'typescript', 'bin', 'tsc');
  const incremental = ['--incremental', '--tsBuildInfoFile', join('dist', '.tsbuildinfo')];
  const status = step('compiling', process.execPath, [tsc, '-p', 'tsconfig.json', ...incremental]);
  mkdirSync(dist, { recursive: true });
  if (status === 0) writeFileSync(stamp, text);
  return status;
}

function main() {
  const [name, ...args] = process.argv.slice(2);
  const command = Object.hasOwn(commands, name ?? '') ? commands[name] : undefined;
  if (command === undefined)
    fail(`unknown command '${name ?? ''}'; one of: ${Object.keys(commands).join(', ')}`);
  checkPlatform();
  if (command.mounts) checkPrivilege(name);
  installPackages();
  if (command.mounts) installNative(name);
  // What sources that are gone have left must not be packed.
  if (command.isClean) rmSync(join(root, 'dist'), { recursive: true, force: true });
  const status = build();
  // tsc emits past type errors, and `check` itself reports them as one of its gates.
  if (status !== 0 && (name !== 'check' || !existsSync(join(root, command.run[0] ?? '')))) {
    fail('compiling failed; the errors are above');
  }
  if (command.run.length > 0) run([...command.run, ...args]);
}

/** Runs the command on this terminal; its exit status becomes ours. */
function run(args) {
  const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' });
  child.on('error', (error) => fail(`cannot run ${args[0]}: ${error.message}`));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
  // A Ctrl-C reaches the command through the terminal; it cleans up while we wait. Others have to be handed on.
  process.on('SIGINT', () => undefined);
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
}

main();
