/**
 * `npm run check`: every quality gate in one command, a line each, all of them run even when one failed.
 *
 * Gates are the tools (Biome, ESLint's promise rules, tsc) and our rules on the text of each file that git tracks or
 * would add. Ends with `check: N passed, N failed` and status 1 when one failed.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Rule, SourceFile } from './check/finding.js';
import { configuredPackageHosts } from './check/package-hosts.js';
import {
  emptyCatchFindings,
  fileLengthFindings,
  hostRule,
  processImportFindings,
  readmeFindings,
  switchedOffFindings,
} from './check/source-rules.js';
import { importFindings } from './import-direction.js';
import { repository } from './repository.js';

interface Gate {
  readonly name: string;
  /** What to print about the failure; undefined when the gate passes. */
  readonly run: () => string | undefined;
}

function tool(name: string, script: string, args: readonly string[]): Gate {
  return {
    name,
    run: () => {
      const argv = [join('node_modules', script), ...args];
      const result = spawnSync(process.execPath, argv, {
        cwd: repository,
        encoding: 'utf8',
        maxBuffer: 64 << 20,
      });
      if (result.error !== undefined) return result.error.message;
      return result.status === 0 ? undefined : `${result.stdout}${result.stderr}`;
    },
  };
}

function ruleGate(name: string, files: readonly SourceFile[], rule: Rule): Gate {
  return {
    name,
    run: () => {
      const findings = files.flatMap(rule);
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
    tool('tsc', 'typescript/bin/tsc', ['--noEmit', '-p', 'tsconfig.json']),
    ruleGate('import direction', files, importFindings),
    ruleGate('file length', files, fileLengthFindings),
    ruleGate('README length', files, readmeFindings),
    ruleGate('no package source named', files, hostRule(configuredPackageHosts())),
    ruleGate('no test switched off', files, switchedOffFindings),
    ruleGate('no empty catch', files, emptyCatchFindings),
    ruleGate('no import of node:process', files, processImportFindings),
  ];
}

function main(): void {
  let passed = 0;
  const all = gates();
  for (const gate of all) {
    const started = performance.now();
    const problem = gate.run();
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(`${problem === undefined ? 'ok  ' : 'FAIL'} ${gate.name} (${seconds} s)`);
    if (problem === undefined) passed++;
    else console.log(problem.trimEnd().replace(/^/gm, '     '));
  }
  console.log(`check: ${passed} passed, ${all.length - passed} failed`);
  process.exitCode = passed === all.length ? 0 : 1;
}

main();
