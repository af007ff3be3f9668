/** Random steps on plyfs and on kernel overlayfs over the same layers: both must answer and end the same. */

import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { findLeaks } from '../helpers/leak-check.js';
import { workerPrefix } from '../helpers/project-paths.js';
import { hasPlyfs, plain } from '../helpers/targets.js';
import { allowedForPlain, allowedForPlyfs } from './allowed.js';
import type { Run } from './draw.js';
import { FORMS, PLAIN_PLAN, type PlanName, planOf, SHORT_PLANS } from './layer-plan.js';
import { Difference, Operators, type PairOptions } from './pair.js';
import { isMountChange, kinds } from './steps.js';
import { type Campaign, compare, fromRegression, runAll } from './tree-differences.js';

const SEED = 20_261_124;
/** Ten times what it takes alone on two cores. */
const LIMIT_MS = 240_000;
const shortPlan = (seed: number) => planOf(seed, SHORT_PLANS);
const regressions = new URL('regressions/', import.meta.url);

const onPlyfs = (form: PlanName): PairOptions => {
  const { overlayfs, reader, plyfs } = FORMS[form];
  return { reference: overlayfs, reader, other: plyfs, allowed: allowedForPlyfs };
};
const onItself = (form: PlanName): PairOptions => {
  const { overlayfs, reader } = FORMS[form];
  return { reference: overlayfs, reader, other: overlayfs };
};
const onPlain = (form: PlanName): PairOptions => ({
  reference: FORMS[form].overlayfs,
  other: plain,
  allowed: allowedForPlain,
});

const campaigns: [name: string, campaign: Campaign][] = [
  ['overlayfs with itself', { planOf: shortPlan, optionsOf: onItself, runs: 12, operations: 60, seed: SEED }],
  [
    'a plain directory with overlayfs',
    { planOf: () => PLAIN_PLAN, optionsOf: onPlain, runs: 20, operations: 60, seed: SEED },
  ],
];
if (hasPlyfs())
  campaigns.push([
    'plyfs with overlayfs',
    { planOf: shortPlan, optionsOf: onPlyfs, runs: 24, operations: 60, seed: SEED },
  ]);

afterEach(() => {
  expect(findLeaks(workerPrefix())).toEqual([]);
});

describe.each(campaigns)('%s', (_, campaign) => {
  it('agrees over random runs', { timeout: LIMIT_MS }, async () => {
    const found = await compare(campaign);
    expect(found === undefined ? '' : `${found.message}\nregression: ${found.regression}`).toBe('');
  });
});

/** Runs of one form and with the same changes of the mounts share a pair. */
function readRegressions(): Map<string, { file: string; run: Run }[]> {
  const groups = new Map<string, { file: string; run: Run }[]>();
  for (const file of readdirSync(regressions).filter((name) => name.endsWith('.json'))) {
    const run = fromRegression(readFileSync(new URL(file, regressions), 'utf8'));
    const changes = run.steps.filter(isMountChange).map(({ step }) => step);
    const key = [run.form, ...changes].join(' ');
    groups.set(key, [...(groups.get(key) ?? []), { file, run }]);
  }
  return groups;
}

describe('runs that once differed', () => {
  it.each([...readRegressions()])('agree: %s', { timeout: LIMIT_MS }, async (_, group) => {
    const runs = group.map(({ run }) => run);
    const operators = new Operators();
    try {
      await runAll(hasPlyfs() ? onPlyfs(runs[0]!.form) : onItself(runs[0]!.form), runs, operators);
    } catch (error) {
      if (error instanceof Difference) expect.fail(`${group[error.index]?.file}: ${error.message}`);
      throw error;
    } finally {
      await operators.stop();
    }
  });
});

describe('the differential harness', () => {
  it('has at least 30 kinds of operation', () => {
    expect(Object.keys(kinds).length).toBeGreaterThanOrEqual(30);
  });

  it('catches a side that drops chmod, and shrinks it to few steps', { timeout: 120_000 }, async () => {
    const found = await compare({
      planOf: shortPlan,
      optionsOf: (form) => ({ ...onItself(form), sabotage: ['chmod'] }),
      runs: 10,
      operations: 60,
      seed: 1,
      shrinkLimitMs: 20_000,
    });
    expect(found?.run.steps.some(({ step }) => step === 'chmod')).toBe(true);
    expect(found?.run.steps.length).toBeLessThanOrEqual(3);
    expect(fromRegression(found!.regression)).toEqual(found!.run);
  });
});
