/** Random steps on plyfs and on kernel overlayfs over the same layers: both must answer and end the same. */

import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { findLeaks } from '../helpers/leak-check.js';
import { workerPrefix } from '../helpers/paths.js';
import {
  hasPlyfs,
  overlayfs,
  overlayfsWithoutMetacopy,
  plain,
  plyfs,
  plyfsCoherent,
} from '../helpers/targets.js';
import { allowedAgainstOverlayfs, allowedForPlyfs } from './allowed.js';
import { compare, fromRegression, runAll } from './compare.js';
import { Operators, type PairOptions } from './pair.js';

const runs = Number(process.env.PLYFS_FUZZ_RUNS ?? 250);
const seed = Number(process.env.PLYFS_FUZZ_SEED ?? 20_261_124);
/** A long campaign takes a second for four runs, and shrinking a minute. */
const limitMs = 120_000 + runs * 250;
const regressions = new URL('regressions/', import.meta.url);

const reference = {
  reference: overlayfsWithoutMetacopy,
  reader: overlayfs,
  allowed: allowedAgainstOverlayfs,
};
const pairs: [name: string, count: number, options: PairOptions][] = [
  ['overlayfs with itself', Math.min(runs, 25), { reference: overlayfs, other: overlayfs }],
  ['a plain directory with overlayfs', Math.min(runs, 50), { ...reference, other: plain }],
];
if (hasPlyfs()) {
  pairs.push(
    ['plyfs with overlayfs', runs, { ...reference, allowed: allowedForPlyfs, other: plyfs }],
    ['plyfs -o coherent with overlayfs', Math.min(runs, 75), { ...reference, other: plyfsCoherent }],
  );
}

afterEach(() => {
  expect(findLeaks(workerPrefix())).toEqual([]);
});

describe.each(pairs)('%s', (_, count, options) => {
  it(`agrees over random runs`, { timeout: limitMs }, async () => {
    const found = await compare({ ...options, runs: count, seed });
    expect(found === undefined ? '' : `${found.message}\nregression: ${found.regression}`).toBe('');
  });

  it('agrees over the runs that once differed', { timeout: limitMs }, async () => {
    const files = readdirSync(regressions).filter((file) => file.endsWith('.json'));
    const operators = new Operators();
    try {
      for (const file of files)
        await runAll(options, [fromRegression(readFileSync(new URL(file, regressions), 'utf8'))], operators);
    } finally {
      await operators.stop();
    }
  });
});

describe('the differential harness', () => {
  it('catches a side that drops chmod, and shrinks it to few steps', { timeout: 90_000 }, async () => {
    const found = await compare({
      reference: overlayfs,
      other: overlayfs,
      sabotage: ['chmod'],
      runs: 100,
      seed: 1,
      shrinkLimitMs: 20_000,
    });
    expect(found?.run.steps.some(({ step }) => step === 'chmod')).toBe(true);
    expect(found?.run.steps.length).toBeLessThanOrEqual(3);
    expect(fromRegression(found!.regression)).toEqual(found!.run);
  });
});
