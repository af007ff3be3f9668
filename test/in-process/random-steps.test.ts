/**
 * The random steps of the differential tests on a union in this process, with a plain directory as the model: no mount, no
 * root, and a run in a fraction of the time.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Campaign, compare } from '../differential/tree-differences.js';
import { inProcessTarget } from './in-process-target.js';
import { campaignOf, startModel, stopModel } from './random-campaign.js';

const LIMIT_MS = 240_000;
const union = inProcessTarget('in-process-differential', { kind: 'union' });
const passthrough = inProcessTarget('in-process-backed', { kind: 'union', passthrough: true, packs: true });

beforeAll(startModel);
afterAll(async () => {
  await stopModel();
  await union.end();
  await passthrough.end();
});

describe('a union in this process', () => {
  it('agrees with a plain directory over random runs', { timeout: LIMIT_MS }, async () => {
    const found = await compare({ ...campaignOf(union), runs: 12, operations: 100 });
    expect(found === undefined ? '' : `${found.message}\nregression: ${found.regression}`).toBe('');
  });

  it('agrees where the kernel reads and writes files itself, and nodes are packed', {
    timeout: LIMIT_MS,
  }, async () => {
    const found = await compare({ ...campaignOf(passthrough), runs: 6, operations: 100 });
    expect(found === undefined ? '' : `${found.message}\nregression: ${found.regression}`).toBe('');
  });

  it('is caught when it drops chmod', { timeout: LIMIT_MS }, async () => {
    const campaign = campaignOf(union);
    const optionsOf: Campaign['optionsOf'] = (kind) => ({ ...campaign.optionsOf(kind), sabotage: ['chmod'] });
    const found = await compare({ ...campaign, optionsOf, runs: 10, operations: 60, shrinkLimitMs: 20_000 });
    expect(found?.run.steps.some(({ step }) => step === 'chmod')).toBe(true);
  });
});
