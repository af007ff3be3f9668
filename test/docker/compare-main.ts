/**
 * `npm run test:docker [-- --only PART_OF_NAME,...] [--json FILE] [--times]`: the same scripts by a real Docker daemon and by
 * plyfs, compared.
 *
 * Both sides run at a time, each its cases one after the other. The last line is `N passed, N failed, N skipped`; the
 * status is 1 when one failed.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeCurrentPrograms } from '../../scripts/current-programs.js';
import { repository } from '../../scripts/repository.js';
import { interrupt, isInPath } from '../../scripts/shell.js';
import { makeBaseRoot } from './base-root.js';
import { type Case, readCases } from './docker-cases.js';
import { differences } from './docker-differences.js';
import { DockerSide } from './docker-side.js';
import { unsaidWordings } from './normalise.js';
import { PlyfsSide } from './plyfs-side.js';
import type { Outcome, Side } from './side.js';
import { judge } from './verdict.js';

interface Flags {
  readonly only?: string | undefined;
  readonly json?: string | undefined;
  readonly times?: boolean | undefined;
}

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
  /** The names of the cases that failed. */
  readonly names: string[];
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { only: { type: 'string' }, json: { type: 'string' }, times: { type: 'boolean' } },
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupt);
  const cases = readCases(join(repository, 'test/docker/cases'));
  const words = values.only?.split(',') ?? [''];
  const chosen = cases.filter(({ name }) => words.some((word) => name.includes(word)));
  const counts: Counts = { passed: 0, failed: 0, skipped: 0, names: [] };
  counts.failed += reportStrangers(cases);
  if (await isInPath('dockerd')) await compareAll(chosen, values, counts);
  else {
    // Where it could not be installed nothing can be said; CI installs it.
    counts.skipped += chosen.length;
    console.log('there is no dockerd here: apt-get install docker.io busybox-static');
  }
  if (values.only === undefined && counts.skipped === 0) counts.failed += reportUnsaid();
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(counts));
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  return counts.failed === 0 ? 0 : 1;
}

/** Entries of the table for cases that there are not. */
function reportStrangers(cases: readonly Case[]): number {
  const names = new Set(cases.map(({ name }) => name));
  const strangers = differences.filter((difference) => !names.has(difference.case));
  for (const { case: name } of strangers)
    console.log(`FAILED docker-differences.ts names the case '${name}', which is not there`);
  return strangers.length;
}

/** In a whole run each wording is said, or it is there for nothing. */
function reportUnsaid(): number {
  const unsaid = unsaidWordings();
  for (const { docker } of unsaid)
    console.log(`FAILED docker-differences.ts has the wording ${docker}, which nobody says`);
  return unsaid.length;
}

async function compareAll(cases: readonly Case[], flags: Flags, counts: Counts): Promise<void> {
  await makeCurrentPrograms(join(repository, 'dist'));
  const home = mkdtempSync(join(tmpdir(), 'plyfs-docker-'));
  try {
    const tar = await makeBaseRoot(home);
    await using docker = await DockerSide.start(join(home, 'docker'), tar);
    await using plyfs = await PlyfsSide.start(join(home, 'plyfs'), tar);
    const outcomes = new Map<Case, Outcome>();
    const note = (one: Case, outcome: Outcome, side: Side): void => {
      const other = outcomes.get(one);
      outcomes.set(one, outcome);
      if (other === undefined) return;
      report(one, side === docker ? [outcome, other] : [other, outcome], flags, counts);
    };
    await Promise.all([runAll(docker, cases, note), runAll(plyfs, cases, note)]);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

async function runAll(
  side: Side,
  cases: readonly Case[],
  note: (one: Case, outcome: Outcome, side: Side) => void,
): Promise<void> {
  for (const one of cases) note(one, await side.run(one), side);
}

function report(one: Case, outcomes: readonly [Outcome, Outcome], flags: Flags, counts: Counts): void {
  const known = differences.filter((difference) => difference.case === one.name);
  const { problem } = judge(outcomes, known);
  if (flags.times)
    console.log(`${outcomes.map(({ milliseconds }) => `${milliseconds} ms`).join(', ')}: ${one.name}`);
  if (problem === '') {
    counts.passed++;
    return;
  }
  counts.failed++;
  counts.names.push(one.name);
  console.log(`FAILED ${one.name}\n${one.script.trimEnd()}\n${problem}`);
}

try {
  process.exitCode = await main();
} catch (error) {
  console.log(`FAILED the suite itself: ${error instanceof Error ? error.message : String(error)}`);
  console.log('0 passed, 1 failed, 0 skipped');
  process.exitCode = 1;
}
