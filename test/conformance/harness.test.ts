/**
 * The test of the tests: a file system that loses a change, hangs, or leaves something behind must be caught.
 *
 * The deliberate bugs are operations that the operator answers without doing them.
 */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { dir, file, layers } from '../helpers/layers.js';
import { findLeaks } from '../helpers/leak-check.js';
import { Operator, OperatorLost } from '../helpers/operator-client.js';
import { workerPrefix } from '../helpers/project-paths.js';
import { overlayfs, plain, type Target } from '../helpers/targets.js';
import { O_RDONLY } from '../helpers/test-constants.js';
import { Session, type SessionOptions } from './conformance-session.js';
import type { Case, Suite } from './suite.js';
import { copyUp } from './suites/copy-up.suite.js';
import { lookup } from './suites/lookup.suite.js';
import { times } from './suites/times.suite.js';

/** Messages of the failures of all cases of a suite that need no layers to look into. */
async function failuresOf(target: Target, all: Suite, options: SessionOptions): Promise<string[]> {
  const suite = { ...all, cases: all.cases.filter((test) => test.needs === undefined) };
  const session = new Session(target, suite, options);
  const failures: string[] = [];
  await session.start();
  try {
    for (const test of suite.cases)
      await session.runCase(test).catch((error: Error) => failures.push(error.message));
  } finally {
    await session.dispose();
  }
  return failures;
}

function suiteOf(run: Case['run']): Suite {
  return { name: 'made up', cases: [{ name: 'case', layers: layers(dir({ f: file('x') })), run }] };
}

describe('the conformance harness', () => {
  afterEach(() => {
    expect(findLeaks(`${workerPrefix()}plain-`)).toEqual([]);
  });

  it('finds no failure where nothing is lost', async () => {
    expect(await failuresOf(plain, times, {})).toEqual([]);
  });

  it('catches a file system that loses mtime', async () => {
    expect((await failuresOf(plain, times, { sabotage: ['utimens'] })).length).toBeGreaterThanOrEqual(3);
  });

  it('catches a file system that drops chmod, and prints layers and last calls', async () => {
    const failures = await failuresOf(plain, copyUp, { sabotage: ['chmod'] });
    expect(failures.some((text) => /chmod\('f', 388\) -> undefined/.test(text) && /layer 0/.test(text))).toBe(
      true,
    );
  });

  it('catches a union that is not the merged tree', async () => {
    const wrong: Target = { ...plain, features: overlayfs.features };
    expect((await failuresOf(wrong, lookup, {})).length).toBeGreaterThanOrEqual(10);
  });

  it('catches a change of a layer', async () => {
    const suite = suiteOf((_, t) => t.lower(0).chmod('f', 0o600));
    expect(await failuresOf(overlayfs, suite, {})).toEqual([
      expect.stringContaining('the layers were changed'),
    ]);
  });

  it('notes a layer that was read without O_NOATIME', async () => {
    const suite = suiteOf(async (_, t) => {
      await t.lower(0).readFile('f');
    });
    const session = new Session(overlayfs, suite);
    await session.start();
    try {
      await session.runCase(suite.cases[0]!);
      expect(session.accessedLayers).toEqual([expect.stringMatching(/^case: layer 0: f /)]);
    } finally {
      await session.dispose();
    }
  });

  it('turns a hang into a failure that shows where the kernel waits, and goes on with the next case', async () => {
    const stuck = suiteOf(async (fs) => {
      await fs.mknod('p', 0o10600);
      await fs.open('p', O_RDONLY);
    });
    const fine: Case = { name: 'next', run: async (fs) => expect(await fs.names('')).toEqual([]) };
    const failures = await failuresOf(plain, { ...stuck, cases: [...stuck.cases, fine] }, { limitMs: 500 });
    expect(failures).toEqual([expect.stringMatching(/open took longer than 500 ms[\s\S]*wait_for_partner/)]);
  });

  it('reports directories and processes that a test leaves behind', async () => {
    const prefix = `${workerPrefix()}leak-`;
    const left = mkdtempSync(prefix);
    mkdirSync(`${left}/d`);
    const operator = await Operator.start();
    try {
      expect(findLeaks(prefix)).toEqual([`directory: ${left}`]);
    } finally {
      rmSync(left, { recursive: true });
      await operator.stop();
    }
    await expect(operator.fs('/').pid()).rejects.toBeInstanceOf(OperatorLost);
  });
});
