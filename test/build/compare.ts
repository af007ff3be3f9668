/**
 * `npm run test:build [NAME...]`: the corpus built by plyfs and by buildah, trees and configurations compared; and with what
 * corpus/expected has, which `--update` writes anew. `--json FILE` gets the counts.
 */

import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { removeTree } from '../../src/store/remove-tree.js';
import { type Builder, buildahBuilder, plyfsBuilder } from './built-images.js';
import { CASES, type CorpusCase } from './cases.js';
import { makeCorpusFiles } from './corpus-files.js';
import { DIFFERENCES } from './differences.js';

/** Of the checkout, also for what runs in dist. */
const root = fileURLToPath(new URL('../../../', import.meta.url));
const corpus = join(root, 'test/build/corpus');
const cli = join(root, 'dist/src/cli/main.js');

function main(args: readonly string[]): number {
  const updates = args.includes('--update');
  const json = args.includes('--json') ? args[args.indexOf('--json') + 1] : undefined;
  const names = args.filter((arg) => !arg.startsWith('-') && arg !== json);
  const chosen = CASES.filter(({ name }) => names.length === 0 || names.includes(name));
  const home = mkdtempSync(join(tmpdir(), 'plyfs-corpus-'));
  let failed = 0;
  try {
    const files = makeCorpusFiles(home);
    using plyfs = plyfsBuilder(files, cli);
    using buildah = buildahBuilder(files);
    for (const one of chosen) failed += compare(one, plyfs, buildah, updates ? 'update' : 'verify') ? 0 : 1;
  } finally {
    removeTree(home);
  }
  const counts = { passed: chosen.length - failed, failed, skipped: 0 };
  if (json !== undefined) writeFileSync(json, JSON.stringify(counts));
  say(`test:build: ${counts.passed} passed, ${counts.failed} failed`);
  return failed === 0 ? 0 : 1;
}

function compare(one: CorpusCase, plyfs: Builder, buildah: Builder, goldens: 'update' | 'verify'): boolean {
  const dockerfile = join(corpus, `${one.name}.Dockerfile`);
  try {
    const ours = plyfs.build(one, dockerfile);
    const golden = join(corpus, 'expected', `${one.name}.txt`);
    if (goldens === 'update') writeFileSync(golden, `${ours.join('\n')}\n`);
    const recorded = existsSync(golden) ? readFileSync(golden, 'utf8').trimEnd().split('\n') : [];
    const isExpected = same(one.name, 'expected', recorded, ours);
    if (one.notBuildah !== undefined) {
      say(`${one.name}: not compared with buildah: ${one.notBuildah}`);
      return isExpected;
    }
    return same(one.name, 'buildah', buildah.build(one, dockerfile), ours) && isExpected;
  } catch (error) {
    say(`${one.name}: ${(error as Error).message}`);
    return false;
  }
}

function same(name: string, other: string, theirs: readonly string[], ours: readonly string[]): boolean {
  const isMeant = (line: string): boolean =>
    other === 'buildah' && DIFFERENCES.some((meant) => meant.name === name && meant.lines.test(line));
  const only = [
    ...theirs.filter((line) => !ours.includes(line) && !isMeant(line)).map((line) => `- ${line}`),
    ...ours.filter((line) => !theirs.includes(line) && !isMeant(line)).map((line) => `+ ${line}`),
  ];
  if (only.length === 0) {
    say(`${name}: as ${other}`);
    return true;
  }
  say(`${name}: differs from ${other} (-) in\n${only.map((line) => `  ${line}`).join('\n')}`);
  return false;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

process.exitCode = main(process.argv.slice(2));
