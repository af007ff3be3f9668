/**
 * Random steps on a union in this process whose upper becomes a layer every few operations, whatever is open then: who works in it
 * sees nothing of that.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compare } from '../differential/tree-differences.js';
import { inProcessTarget } from './in-process-target.js';
import { PushedUppers } from './pushed-uppers.js';
import { campaignOf, startModel, stopModel } from './random-campaign.js';

const LIMIT_MS = 240_000;
const options = { kind: 'union', pushesUpper: true } as const;
const served = inProcessTarget('in-process-pushed', options);
const backed = inProcessTarget('in-process-pushed-backed', { ...options, passthrough: true });

beforeAll(startModel);
afterAll(async () => {
  await stopModel();
  await served.end();
  await backed.end();
});

describe('a union whose upper becomes a layer again and again', () => {
  it.each([
    ['files are read and written by requests', served],
    ['the kernel reads and writes files itself', backed],
  ])('agrees with a plain directory where %s', { timeout: LIMIT_MS }, async (_, other) => {
    const found = await compare({ ...campaignOf(other), runs: 12, operations: 100 });
    expect(found === undefined ? '' : `${found.message}\nregression: ${found.regression}`).toBe('');
    expect(PushedUppers.count).toBeGreaterThan(30);
  });
});
