/**
 * `npm run fuzz`: fresh random runs on plyfs and kernel overlayfs, by default 200 of 500 operations.
 *
 * `-- --runs N --ops N --seed N --plan N` another campaign, `--short` the plans of `npm test`,
 * `--shrink SECONDS`, `--replay FILE` a run that was kept, `--details` what
 * was done of each kind. Ends with status 1 at the first difference, shrunk and with how to see it again.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { findLeaks } from '../helpers/leak-check.js';
import { workerPrefix } from '../helpers/paths.js';
import { allowedForPlyfs } from './allowed.js';
import { compare, type Finding, fromRegression, runAll } from './compare.js';
import { Difference, Operators, type PairOptions } from './pair.js';
import { FORMS, PLANS, type PlanName, planOf, SHORT_PLANS } from './plan.js';
import { kinds } from './steps.js';
import { Tally } from './tally.js';

/** Seeds are small enough to be typed. */
const SEEDS = 1_000_000_000;

function optionsOf(form: PlanName): PairOptions {
  const { overlayfs, reader, plyfs } = FORMS[form];
  return { reference: overlayfs, reader, other: plyfs, allowed: allowedForPlyfs };
}

function wholeNumber(name: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`--${name} takes a number, not '${text}'`);
  return Number(text);
}

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

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '200' },
      ops: { type: 'string', default: '500' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * SEEDS)) },
      plan: { type: 'string' },
      short: { type: 'boolean', default: false },
      shrink: { type: 'string', default: '120' },
      replay: { type: 'string' },
      details: { type: 'boolean', default: false },
    },
  });
  if (values.replay !== undefined) {
    const message = await replay(values.replay);
    console.log(message ?? 'fuzz: no difference');
    return message === undefined ? 0 : 1;
  }
  const [runs, operations, seed] = [
    wholeNumber('runs', values.runs),
    wholeNumber('ops', values.ops),
    wholeNumber('seed', values.seed),
  ];
  const plan = values.plan === undefined ? undefined : PLANS[wholeNumber('plan', values.plan)];
  console.log(
    `fuzz: ${runs} runs of ${operations} operations (${Object.keys(kinds).length} kinds), seeds ${seed} to ${seed + runs - 1}`,
  );
  const tally = new Tally();
  const started = performance.now();
  const found = await compare({
    planOf: (one) => plan ?? planOf(one, values.short ? SHORT_PLANS : PLANS),
    optionsOf,
    runs,
    seed,
    operations,
    tally,
    shrinkLimitMs: 1000 * wholeNumber('shrink', values.shrink),
    onBatch: (done) => console.log(`fuzz: ${done} of ${runs} runs agree, ${seconds(started)} s`),
    onDifference: (one, message) => console.log(`fuzz: seed ${one} differs, making it smaller\n${message}`),
  });
  if (values.details) for (const line of tally.details()) console.log(`fuzz: ${line}`);
  console.log(`fuzz: ${tally.summary()}, ${seconds(started)} s`);
  console.log(
    found === undefined
      ? 'fuzz: no difference'
      : describe(found, `--ops ${operations}${values.plan === undefined ? '' : ` --plan ${values.plan}`}`),
  );
  const leaks = findLeaks(workerPrefix());
  for (const leak of leaks) console.log(`fuzz: left behind: ${leak}`);
  return found === undefined && leaks.length === 0 ? 0 : 1;
}

function seconds(started: number): number {
  return Math.round((performance.now() - started) / 1000);
}

process.exitCode = await main();
