/** What the benchmark makes of its times and of its command line. */

import { describe, expect, it } from 'vitest';
import { geometricMean, median, type Series, table } from '../../../scripts/bench/bench-report.js';
import { defaultTargets, targets } from '../../../scripts/bench/bench-targets.js';
import { aptSource } from '../../../scripts/bench/lower.js';
import { parseOptions } from '../../../scripts/bench/options.js';
import { type Workload, workloads } from '../../../scripts/bench/workloads.js';

const workload = (name: string, mustReach: number): Workload => ({
  name,
  mustReach,
  script: 'true',
  tools: 'true',
  needs: [],
});

function results(rows: Record<string, Record<string, Series>>): Map<string, Map<string, Series>> {
  return new Map(Object.entries(rows).map(([name, series]) => [name, new Map(Object.entries(series))]));
}

describe('median() and geometricMean()', () => {
  it('take the middle, the mean of two middles, and nothing of nothing', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([])).toBeUndefined();
    expect(geometricMean([0.5, 2])).toBeCloseTo(1);
    expect(geometricMean([])).toBeUndefined();
  });
});

describe('table()', () => {
  const rows = [workload('a', 1.2), workload('b', 2)];

  it('gives ratios of medians, seconds of overlayfs, and marks a missed bar', () => {
    const text = table(
      results({
        a: { overlayfs: { seconds: [1, 9, 2] }, plyfs: { seconds: [4, 4, 4] } },
        b: { overlayfs: { seconds: [1] }, plyfs: { seconds: [0.5] } },
      }),
      rows,
      ['overlayfs', 'plyfs'],
    );
    expect(text).toContain('| a | 1.00 (2.00) | 2.00 | 1.2 (missed) |');
    expect(text).toContain('| b | 1.00 (1.00) | 0.50 | 2 |');
    expect(text).toContain('| geometric mean | 1.00 | 1.00 | 1.0 or less |');
  });

  it('says failed, and over how many workloads the mean then is', () => {
    const text = table(
      results({
        a: { overlayfs: { seconds: [1] }, plyfs: { seconds: [], failure: 'status 1' } },
        b: { overlayfs: { seconds: [1] }, plyfs: { seconds: [2] } },
      }),
      rows,
      ['overlayfs', 'plyfs'],
    );
    expect(text).toContain('| a | 1.00 (1.00) | failed | 1.2 |');
    expect(text).toContain('| geometric mean | 1.00 | 2.00 (of 1) |');
  });

  it('gives seconds where overlayfs was not measured', () => {
    expect(table(results({ a: { ext4: { seconds: [0.25] } } }), [rows[0]!], ['ext4'])).toContain(
      '| a | 0.25 s |',
    );
  });
});

describe('parseOptions()', () => {
  const known = { workloads: ['a', 'b'], targets: ['x', 'y', 'z'], defaultTargets: ['x', 'y'] };

  it('has defaults, and one round when quick', () => {
    expect(parseOptions([], known)).toMatchObject({
      rounds: 3,
      quick: false,
      workloads: ['a', 'b'],
      targets: ['x', 'y'],
    });
    expect(parseOptions(['--quick'], known).rounds).toBe(1);
    expect(parseOptions(['--quick', '--rounds', '2'], known).rounds).toBe(2);
  });

  it('keeps the order of the table whatever the order of the names', () => {
    expect(parseOptions(['--targets', 'z,x', '--only', 'b'], known)).toMatchObject({
      targets: ['x', 'z'],
      targetsNamed: true,
      workloads: ['b'],
    });
  });

  it('names an unknown workload, target or number of rounds', () => {
    expect(() => parseOptions(['--only', 'c'], known)).toThrow("invalid --only 'c': one of a, b");
    expect(() => parseOptions(['--targets', 'q'], known)).toThrow("invalid --targets 'q'");
    expect(() => parseOptions(['--rounds', '0'], known)).toThrow("invalid --rounds '0'");
  });
});

describe('aptSource()', () => {
  it('reads both forms and takes only the suite itself', () => {
    const deb822 =
      'Types: deb\nURIs: http://tools.example/x\nSuites: stable-tools\n\nTypes: deb\n# old\nURIs: http://a.example/debian\nSuites: stable stable-updates\n';
    expect(aptSource([deb822], 'stable')).toEqual({ uri: 'http://a.example/debian', suite: 'stable' });
    const lines =
      'deb-src http://s.example/ stable main\ndeb [signed-by=/k] http://b.example/debian stable main\n';
    expect(aptSource([lines], 'stable')).toEqual({ uri: 'http://b.example/debian', suite: 'stable' });
    expect(() => aptSource([lines], 'other')).toThrow("no http source for 'other'");
  });
});

describe('the tables', () => {
  it('have each name once, and default targets that exist', () => {
    for (const names of [workloads.map(({ name }) => name), targets.map(({ name }) => name)]) {
      expect(new Set(names).size).toBe(names.length);
    }
    expect(targets.map(({ name }) => name)).toEqual(expect.arrayContaining([...defaultTargets]));
  });
});
