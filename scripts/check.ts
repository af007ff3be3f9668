/**
 * `npm run check`: every quality gate in one command, a line each, all of them run even when one failed.
 *
 * Gates are the tools (Biome, ESLint's promise rules, tsc) and our rules on the text of each file that git tracks or
 * would add. Ends with `check: N passed, N failed` and status 1 when one failed.
 */

import { type ExecFileException, execFile, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { booleanParameterFindings } from './check/boolean-parameters.js';
import type { Finding, Rule, SourceFile } from './check/check-finding.js';
import { dependencyFindings } from './check/lock-file.js';
import { contentsFindings, writeContents } from './check/module-contents.js';
import { oneNameFindings } from './check/one-name.js';
import { configuredPackageHosts } from './check/package-hosts.js';
import {
  docCommentFindings,
  emptyCatchFindings,
  fileLengthFindings,
  hostRule,
  processImportFindings,
  readmeFindings,
  switchedOffFindings,
} from './check/source-rules.js';
import { unusedExportFindings } from './check/unused-exports.js';
import { importFindings } from './import-direction.js';
import { repository } from './repository.js';

const runFile = promisify(execFile);

/** What the build has just found out of each file is not found out again. */
const AS_COMPILED = ['--incremental', '--tsBuildInfoFile', join('dist', '.tsbuildinfo')];

interface Gate {
  readonly name: string;
  /** What to print about the failure; undefined when the gate passes. */
  readonly run: () => string | undefined | Promise<string | undefined>;
}

function tool(name: string, script: string, args: readonly string[]): Gate {
  return {
    name,
    run: async () => {
      const argv = [join('node_modules', script), ...args];
      try {
        await runFile(process.execPath, argv, { cwd: repository, maxBuffer: 64 << 20 });
        return undefined;
      } catch (error) {
        const { message, stdout = '', stderr = '' } = error as ExecFileException;
        return `${stdout}${stderr}` || message;
      }
    },
  };
}

function ruleGate(name: string, files: readonly SourceFile[], rule: Rule): Gate {
  return wholeGate(name, () => files.flatMap(rule));
}

function wholeGate(name: string, find: () => Finding[]): Gate {
  return {
    name,
    run: () => {
      const findings = find();
      if (findings.length === 0) return undefined;
      return findings.map(({ path, line, message }) => `${path}:${line}: ${message}`).join('\n');
    },
  };
}

/** The text files of the repository: tracked ones, and new ones that no ignore rule covers. */
function sourceFiles(): SourceFile[] {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const listed = spawnSync('git', args, { cwd: repository, encoding: 'utf8', maxBuffer: 64 << 20 });
  if (listed.status !== 0)
    throw new Error(`check: cannot list the files of the repository: ${listed.stderr}`);
  return listed.stdout
    .split('\0')
    .filter((path) => /\.(ts|mts|mjs|js|json|md|sh|yml|yaml)$|^\.ci\/run$/.test(path))
    .filter((path) => existsSync(join(repository, path)))
    .map((path) => ({ path, text: readFileSync(join(repository, path), 'utf8') }));
}

function gates(): Gate[] {
  const files = sourceFiles();
  return [
    tool('biome', '@biomejs/biome/bin/biome', ['ci', '--colors=off', '--error-on-warnings', '.']),
    tool('eslint', 'eslint/bin/eslint.js', ['.']),
    tool('tsc', 'typescript/bin/tsc', ['--noEmit', '-p', 'tsconfig.json', ...AS_COMPILED]),
    ruleGate('import direction', files, importFindings),
    wholeGate('one name each', () => oneNameFindings(files)),
    wholeGate('no unused export', () => unusedExportFindings(files)),
    ruleGate('no boolean parameter', files, booleanParameterFindings),
    ruleGate('file length', files, fileLengthFindings),
    ruleGate('README length', files, readmeFindings),
    wholeGate('README contents', () => contentsFindings(files)),
    wholeGate('dependencies', () => dependencyFindings(files)),
    ruleGate('no package source named', files, hostRule(configuredPackageHosts())),
    ruleGate('no test switched off', files, switchedOffFindings),
    ruleGate('doc comments with a subject', files, docCommentFindings),
    ruleGate('no empty catch', files, emptyCatchFindings),
    ruleGate('no import of node:process', files, processImportFindings),
  ];
}

/** `--write`: what READMEs say of their modules' files, written anew before it is checked. */
function write(): void {
  for (const { path, text } of writeContents(sourceFiles())) {
    writeFileSync(join(repository, path), text);
    console.log(`wrote ${path}`);
  }
}

/** All begin at once, since the longest of them, ESLint, keeps one CPU busy; each has its line when those before it have theirs. */
async function main(): Promise<void> {
  if (process.argv.includes('--write')) write();
  let passed = 0;
  const words = process.argv.slice(2).filter((word) => !word.startsWith('-'));
  const all = gates().filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
  const outcomes = all.map((gate) => ({ gate, outcome: outcomeOf(gate) }));
  for (const { gate, outcome } of outcomes) {
    const { problem, seconds } = await outcome;
    console.log(`${problem === undefined ? 'ok  ' : 'FAIL'} ${gate.name} (${seconds.toFixed(1)} s)`);
    if (problem === undefined) passed++;
    else console.log(problem.trimEnd().replace(/^/gm, '     '));
  }
  console.log(`check: ${passed} passed, ${all.length - passed} failed`);
  process.exitCode = passed === all.length ? 0 : 1;
}

async function outcomeOf({ run }: Gate): Promise<{ problem: string | undefined; seconds: number }> {
  const started = performance.now();
  const problem = await run();
  return { problem, seconds: (performance.now() - started) / 1000 };
}

await main();
