/**
 * `npm run test:build [NAME...]`: the corpus built by plyfs and by buildah, trees and configurations compared; and with what
 * corpus/expected has, which `--update` writes anew. `--json FILE` gets the counts.
 */

import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeCurrentPrograms } from '../../scripts/current-programs.js';
import { deleteTree } from '../../src/store/delete-tree.js';
import { type Builder, buildahBuilder, plyfsBuilder } from './built-images.js';
import { CASES, type CorpusCase } from './corpus-cases.js';
import { makeCorpusFiles } from './corpus-files.js';
import { DIFFERENCES } from './known-differences.js';

/** The root of the checkout, also for what runs in dist. */
const root = fileURLToPath(new URL('../../../', import.meta.url));
const corpus = join(root, 'test/build/corpus');
const cli = join(root, 'dist/bin/main.js');

function main(args: readonly string[]): number {
  const updates = args.includes('--update');
  const json = args.includes('--json') ? args[args.indexOf('--json') + 1] : undefined;
  const names = args.filter((arg) => !arg.startsWith('-') && arg !== json);
  const chosen = CASES.filter(({ name }) => names.length === 0 || names.includes(name));
  const home = mkdtempSync(join(tmpdir(), 'plyfs-corpus-'));
  const failed: string[] = [];
  try {
    const files = makeCorpusFiles(home);
    using plyfs = plyfsBuilder(files, cli);
    using buildah = buildahBuilder(files);
    for (const one of chosen)
      if (!compare(one, plyfs, buildah, updates ? 'update' : 'verify')) failed.push(one.name);
  } finally {
    deleteTree(home);
  }
  const counts = { passed: chosen.length - failed.length, failed: failed.length, skipped: 0, names: failed };
  if (json !== undefined) writeFileSync(json, JSON.stringify(counts));
  say(`test:build: ${counts.passed} passed, ${counts.failed} failed`);
  return failed.length === 0 ? 0 : 1;
}

function compare(one: CorpusCase, plyfs: Builder, buildah: Builder, goldens: 'update' | 'verify'): boolean {
  const dockerfile = join(corpus, `${one.name}.Dockerfile`);
  try {
    const ours = plyfs.build(one, dockerfile);
    const golden = join(corpus, 'expected', `${one.name}.txt`);
    if (goldens === 'update') writeFileSync(golden, `${ours.join('\n')}\n`);
    const recorded = existsSync(golden) ? readFileSync(golden, 'utf8').trimEnd().split('\n') : [];
    const isExpected = same(one.name, 'expected', recorded, ours) && isInOrder(one.name, recorded, ours);
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

/** What is recorded is the same to the last line: CI asks here alone, and leaves build-corpus.long.test.ts out. */
function isInOrder(name: string, recorded: readonly string[], ours: readonly string[]): boolean {
  if (recorded.join('\n') === ours.join('\n')) return true;
  say(`${name}: has the lines that are expected in another order, or some of them twice`);
  return false;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

await makeCurrentPrograms(join(root, 'dist'));
process.exitCode = main(process.argv.slice(2));
