/**
 * Registers all suites with vitest for one target, and holds them against the target's known failures.
 *
 * A known failure that passes is a failure: the list says what is true today. A name in the list that no case has is
 * one too.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findLeaks } from '../helpers/leak-check.js';
import { workerPrefix } from '../helpers/paths.js';
import type { Target } from '../helpers/targets.js';
import { casesFor, Session } from './session.js';
import type { Case, Suite } from './suite.js';

/** `suite: case` to the reason why the target fails it. */
export type KnownFailures = Readonly<Record<string, string>>;

export function runSuites(target: Target, suites: readonly Suite[], known: KnownFailures): void {
  for (const suite of suites) {
    const cases = casesFor(suite, target);
    if (cases.length > 0) describe(`${suite.name} on ${target.name}`, () => runSuite(target, suite, known));
  }
  it(`has no known failure on ${target.name} that no suite has`, () => {
    const names = new Set(
      suites.flatMap((suite) => suite.cases.map((test) => `${suite.name}: ${test.name}`)),
    );
    expect(Object.keys(known).filter((name) => !names.has(name))).toEqual([]);
  });
}

function runSuite(target: Target, suite: Suite, known: KnownFailures): void {
  const session = new Session(target, suite);
  beforeAll(() => session.start());
  afterAll(async () => {
    await session.dispose();
    expect(findLeaks(`${workerPrefix()}${target.name}-`)).toEqual([]);
  });
  for (const test of casesFor(suite, target)) {
    it(test.name, () => runHeldAgainst(session, test, known[`${suite.name}: ${test.name}`]));
  }
}

async function runHeldAgainst(session: Session, test: Case, reason: string | undefined): Promise<void> {
  if (reason === undefined) return session.runCase(test);
  let failed = false;
  try {
    await session.runCase(test);
  } catch (error) {
    failed = error !== undefined;
  }
  if (!failed) throw new Error(`passes, but is listed as a known failure: ${reason}`);
}
