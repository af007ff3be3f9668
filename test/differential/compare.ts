/**
 * Runs many random runs on two file systems, and shrinks the first that differs.
 *
 * Run N of a campaign comes from fast-check with the seed `seed + N` alone, so that it can be found again and shrunk by
 * itself on fresh mounts. PLYFS_FUZZ_RUNS and PLYFS_FUZZ_SEED make longer and other campaigns.
 */

import fc from 'fast-check';
import { describeLayers } from '../helpers/layers.js';
import { OperatorLost } from '../helpers/operator-client.js';
import { anyRun, type Run } from './arbitrary.js';
import { Difference, Operators, Pair, type PairOptions } from './pair.js';
import { shrink } from './shrink.js';
import { describeStep } from './steps.js';

export interface Campaign extends PairOptions {
  readonly runs: number;
  readonly seed: number;
  readonly shrinkLimitMs?: number;
}

export interface Finding {
  readonly message: string;
  readonly run: Run;
  /** For a file in regressions/. */
  readonly regression: string;
}

/** How many runs share a mount. */
const BATCH = 25;

/** @returns the first difference, shrunk; undefined when there is none. */
export async function compare(campaign: Campaign): Promise<Finding | undefined> {
  const operators = new Operators();
  try {
    for (let from = 0; from < campaign.runs; from += BATCH) {
      const seeds = Array.from(
        { length: Math.min(BATCH, campaign.runs - from) },
        (_, at) => campaign.seed + from + at,
      );
      const failed = await runBatch(campaign, seeds, operators);
      if (failed !== undefined) return await describeSmallest(campaign, failed, operators);
    }
    return undefined;
  } finally {
    await operators.stop();
  }
}

function runOfSeed(seed: number): Run {
  return fc.sample(anyRun, { seed, numRuns: 1 })[0]!;
}

/** @returns the seed of a run that differs. */
async function runBatch(
  options: PairOptions,
  seeds: readonly number[],
  operators: Operators,
): Promise<number | undefined> {
  const runs = seeds.map(runOfSeed);
  try {
    await runAll(options, runs, operators);
    return undefined;
  } catch (error) {
    if (error instanceof Difference) return seeds[runs.indexOf(error.run)];
    throw error;
  }
}

/** Does all runs on one mount of each side. @throws Difference */
export async function runAll(
  options: PairOptions,
  runs: readonly Run[],
  operators: Operators,
): Promise<void> {
  const pair = new Pair(options, runs, operators);
  await pair.start();
  try {
    for (const index of runs.keys()) await executeOrBlame(pair, runs, index);
    await pair.finish();
  } finally {
    await pair.dispose();
  }
}

/** A hang or a dead daemon is a difference of the run in which it happened. */
async function executeOrBlame(pair: Pair, runs: readonly Run[], index: number): Promise<void> {
  try {
    await pair.execute(index);
  } catch (error) {
    if (error instanceof OperatorLost) throw new Difference(runs[index]!, error.message);
    throw error;
  }
}

async function describeSmallest(campaign: Campaign, seed: number, operators: Operators): Promise<Finding> {
  let best: Difference | undefined;
  const fails = async (run: Run): Promise<boolean> => {
    try {
      await runAll(campaign, [run], operators);
      return false;
    } catch (error) {
      if (!(error instanceof Difference)) throw error;
      best = error;
      return true;
    }
  };
  const whole = runOfSeed(seed);
  const isAlone = await fails(whole);
  const run = isAlone ? await shrink(whole, fails, Date.now() + (campaign.shrinkLimitMs ?? 60_000)) : whole;
  const text = best?.message ?? 'only together with the other runs of its batch';
  return { run, message: `${text}\n${describeRun(run)}\n(seed ${seed})`, regression: toRegression(run) };
}

function describeRun(run: Run): string {
  const steps = run.steps.map((step, at) => `  ${at + 1}. ${describeStep(step)}`);
  return `${describeLayers(run.layers)}\nsteps\n${steps.join('\n')}`;
}

/** A run as JSON; nanoseconds, being bigint, become strings with an `n`. */
export function toRegression(run: Run): string {
  return JSON.stringify(run, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
}

export function fromRegression(text: string): Run {
  const revive = (key: string, value: unknown): unknown =>
    key.endsWith('Ns') && typeof value === 'string' ? BigInt(value.slice(0, -1)) : value;
  return JSON.parse(text, revive) as Run;
}
