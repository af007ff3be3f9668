/**
 * `npm run fuzz`: fresh random runs on plyfs and kernel overlayfs, by default 200 of 500 operations; `-- --help` lists
 * what else it takes. Ends with status 1 at the first difference, shrunk and with how to see it again.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { makeCurrentPrograms } from '../../scripts/current-programs.js';
import { findLeaks } from '../helpers/leak-check.js';
import { cliScript, distPath, workerPrefix } from '../helpers/project-paths.js';
import { allowedForPlyfs } from './allowed.js';
import { FORMS, PLANS, type PlanName, planOf, SHORT_PLANS } from './layer-plan.js';
import { Difference, Operators, type PairOptions } from './pair.js';
import { kinds } from './steps.js';
import { Tally } from './tally.js';
import { compare, type Finding, fromRegression, runAll } from './tree-differences.js';

/** Seeds are small enough to be typed. */
const SEEDS = 1_000_000_000;

function optionsOf(form: PlanName): PairOptions {
  const { overlayfs, reader, plyfs } = FORMS[form];
  return { reference: overlayfs, reader, other: plyfs, allowed: allowedForPlyfs };
}

interface Options {
  readonly runs: number;
  readonly ops: number;
  readonly seed?: number;
  readonly plan?: number;
  readonly short?: true;
  readonly shrink: number;
  readonly replay?: string;
  readonly details?: true;
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('not a whole number');
  return Number(text);
}

function planNumber(text: string): number {
  const number = wholeNumber(text);
  if (number >= PLANS.length)
    throw new InvalidArgumentError(`there are ${PLANS.length} plans, counted from 0`);
  return number;
}

const program = new Command('npm run fuzz --')
  .description('Random operations on plyfs and on kernel overlayfs, compared after each.')
  .option('--runs <n>', 'how many runs, each with a seed of its own', wholeNumber, 200)
  .option('--ops <n>', 'operations in each run', wholeNumber, 500)
  .option('--seed <n>', 'the seed of the first run; drawn when not given', wholeNumber)
  .option('--plan <n>', 'one plan (kinds of mounts) for all runs, by its number', planNumber)
  .option('--short', 'the plans of `npm test`')
  .option('--shrink <seconds>', 'how long a run with a difference is made smaller', wholeNumber, 120)
  .option('--replay <file>', 'a run that was kept, instead of fresh ones')
  .option('--details', 'say what was done of each kind')
  .allowExcessArguments(false);

async function replay(file: string): Promise<string | undefined> {
  const operators = new Operators();
  try {
    const run = fromRegression(readFileSync(file, 'utf8'));
    await runAll(optionsOf(run.form), [run], operators);
    return undefined;
  } catch (error) {
    if (error instanceof Difference) return error.message;
    throw error;
  } finally {
    await operators.stop();
  }
}

function describe({ seed, message, regression }: Finding, options: string): string {
  const file = `/tmp/plyfs-fuzz-${seed}.json`;
  writeFileSync(file, regression);
  return [
    message,
    `again: npm run fuzz -- --seed ${seed} --runs 1 ${options}`,
    `the shrunk run: npm run fuzz -- --replay ${file} (to keep it: test/differential/regressions)`,
  ].join('\n');
}

/** A daemon of a run before would serve with the code of then, and that of this run is not to outlive it. */
function useOwnRunDirectory(): () => void {
  const directory = mkdtempSync(join(tmpdir(), 'plyfs-fuzz-run-'));
  process.env.PLYFS_RUN_DIR = directory;
  return () => {
    spawnSync(process.execPath, [cliScript, 'daemon', 'stop', '--unmount'], {
      stdio: 'inherit',
    });
    rmSync(directory, { recursive: true, force: true });
  };
}

async function main(): Promise<number> {
  const options = program.parse().opts<Options>();
  if (options.replay !== undefined) {
    const message = await replay(options.replay);
    console.log(message ?? 'fuzz: no difference');
    return message === undefined ? 0 : 1;
  }
  const { runs, ops: operations, seed = Math.floor(Math.random() * SEEDS) } = options;
  const plan = options.plan === undefined ? undefined : PLANS[options.plan];
  console.log(
    `fuzz: ${runs} runs of ${operations} operations (${Object.keys(kinds).length} kinds), seeds ${seed} to ${seed + runs - 1}`,
  );
  const tally = new Tally();
  const started = performance.now();
  const found = await compare({
    planOf: (one) => plan ?? planOf(one, options.short === true ? SHORT_PLANS : PLANS),
    optionsOf,
    runs,
    seed,
    operations,
    tally,
    shrinkLimitMs: 1000 * options.shrink,
    onBatch: (done) => console.log(`fuzz: ${done} of ${runs} runs agree, ${seconds(started)} s`),
    onDifference: (one, message) => console.log(`fuzz: seed ${one} differs, making it smaller\n${message}`),
  });
  if (options.details) for (const line of tally.details()) console.log(`fuzz: ${line}`);
  console.log(`fuzz: ${tally.summary()}, ${seconds(started)} s`);
  console.log(
    found === undefined
      ? 'fuzz: no difference'
      : describe(found, `--ops ${operations}${options.plan === undefined ? '' : ` --plan ${options.plan}`}`),
  );
  const leaks = findLeaks(workerPrefix());
  for (const leak of leaks) console.log(`fuzz: left behind: ${leak}`);
  return found === undefined && leaks.length === 0 ? 0 : 1;
}

function seconds(started: number): number {
  return Math.round((performance.now() - started) / 1000);
}

await makeCurrentPrograms(distPath(''));
const endRunDirectory = useOwnRunDirectory();
try {
  process.exitCode = await main();
} finally {
  endRunDirectory();
}
