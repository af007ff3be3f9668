/**
 * Runs many random runs on two file systems, and shrinks the first that differs.
 *
 * A run follows from its seed alone, so that it can be found again and shrunk by itself on fresh mounts. Runs of one
 * plan share mounts.
 */

import { describeLayers } from '../helpers/layers.js';
import { OperatorLost } from '../helpers/operator-client.js';
import { drawRun, type Run } from './draw.js';
import { LONG_NAME } from './kind.js';
import type { Plan, PlanName } from './layer-plan.js';
import { Difference, Operators, Pair, type PairOptions } from './pair.js';
import { shrink } from './shrink.js';
import { describeStep, type Step } from './steps.js';
import { Tally } from './tally.js';

export interface Campaign {
  /** The plan of each seed, and how the file systems are mounted for a run of its form. */
  readonly planOf: (seed: number) => Plan;
  readonly optionsOf: (form: PlanName) => PairOptions;
  readonly runs: number;
  readonly seed: number;
  /** Operations of a run. */
  readonly operations: number;
  /** How many runs share a mount. */
  readonly batch?: number;
  readonly shrinkLimitMs?: number;
  readonly tally?: Tally;
  /** What of a drawn run is done. */
  readonly select?: (run: Run) => Run;
  readonly onBatch?: (done: number) => void;
  readonly onDifference?: (seed: number, message: string) => void;
}

export interface Finding {
  readonly seed: number;
  readonly message: string;
  readonly run: Run;
  /** For a file in regressions/. */
  readonly regression: string;
}

const BATCH = 10;

/** @returns the first difference, shrunk; undefined when there is none. */
export async function compare(campaign: Campaign): Promise<Finding | undefined> {
  const operators = new Operators();
  const tally = campaign.tally ?? new Tally();
  let done = 0;
  try {
    for (const seeds of batches(campaign)) {
      const failed = await runBatch(campaign, seeds, operators, tally);
      if (failed !== undefined) return await describeSmallest(campaign, failed, operators);
      done += seeds.length;
      campaign.onBatch?.(done);
    }
    return undefined;
  } finally {
    await operators.stop();
  }
}

/** Seeds of one plan, so many at a time. */
function* batches({ planOf, runs, seed, batch = BATCH }: Campaign): Generator<number[]> {
  const byPlan = new Map<Plan, number[]>();
  for (let next = seed; next < seed + runs; next++) {
    const plan = planOf(next);
    const waiting = [...(byPlan.get(plan) ?? []), next];
    byPlan.set(plan, waiting.length === batch ? [] : waiting);
    if (waiting.length === batch) yield waiting;
  }
  for (const waiting of byPlan.values()) if (waiting.length > 0) yield waiting;
}

interface Failure {
  readonly seed: number;
  readonly difference: Difference;
}

async function runBatch(
  campaign: Campaign,
  seeds: readonly number[],
  operators: Operators,
  tally: Tally,
): Promise<Failure | undefined> {
  const { select = (run) => run } = campaign;
  const runs = seeds.map((seed) => select(drawRun(campaign.planOf(seed), seed, campaign.operations)));
  try {
    await runAll(campaign.optionsOf(runs[0]!.form), runs, operators, tally);
    return undefined;
  } catch (error) {
    if (!(error instanceof Difference)) throw error;
    return { seed: seeds[error.index]!, difference: error };
  }
}

/** Does all runs on one mount of each side. A hang or a dead daemon is a difference too. @throws Difference */
export async function runAll(
  options: PairOptions,
  runs: readonly Run[],
  operators: Operators,
  tally: Tally = new Tally(),
): Promise<void> {
  const pair = new Pair(options, runs, operators, tally);
  await pair.start();
  try {
    await pair.execute();
  } catch (error) {
    if (error instanceof OperatorLost) throw pair.blame(error);
    throw error;
  } finally {
    await pair.dispose();
  }
}

async function describeSmallest(
  campaign: Campaign,
  failure: Failure,
  operators: Operators,
): Promise<Finding> {
  const { seed, difference } = failure;
  campaign.onDifference?.(seed, difference.message.replaceAll(LONG_NAME, 'nnn...'));
  let best: Difference | undefined;
  const fails = async (run: Run): Promise<boolean> => {
    try {
      await runAll(campaign.optionsOf(run.form), [run], operators);
      return false;
    } catch (error) {
      if (!(error instanceof Difference)) throw error;
      best = error;
      return true;
    }
  };
  const whole = difference.run;
  const limitMs = campaign.shrinkLimitMs ?? 60_000;
  const run = (await fails(whole)) ? await shrink(whole, fails, Date.now() + limitMs) : whole;
  const text = best?.message ?? `only together with the other runs of its batch\n${difference.message}`;
  return {
    seed,
    run,
    message: `${text}\n${describeRun(run)}\n(seed ${seed})`,
    regression: toRegression(run),
  };
}

function describeRun(run: Run): string {
  const steps = run.steps.map((step, at) => `  ${at + 1}. ${describeStep(step as Step)}`);
  return `${run.form}\n${describeLayers(run.layers)}\nsteps\n${steps.join('\n')}`;
}

/** A run as JSON: nanoseconds, being bigint, become strings with an `n`, bytes strings of hexadecimal digits. */
function toRegression(run: Run): string {
  return JSON.stringify(run, (_, value: unknown) => {
    if (typeof value === 'bigint') return `${value}n`;
    const bytes = value as { type?: unknown; data?: unknown } | null;
    if (bytes?.type === 'Buffer') return `hex:${Buffer.from(bytes.data as number[]).toString('hex')}`;
    return value;
  });
}

export function fromRegression(text: string): Run {
  const revive = (key: string, value: unknown): unknown => {
    if (typeof value !== 'string') return value;
    if (key.endsWith('Ns')) return BigInt(value.slice(0, -1));
    return value.startsWith('hex:') ? Buffer.from(value.slice(4), 'hex') : value;
  };
  return JSON.parse(text, revive) as Run;
}
