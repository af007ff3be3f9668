/**
 * Registers all suites with vitest for one target, and holds them against the target's known failures.
 *
 * A known failure that passes is a failure: the list says what is true today. A name in the list that no case has is
 * one too.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findLeaks } from '../helpers/leak-check.js';
import { workerPrefix } from '../helpers/project-paths.js';
import type { Target } from '../helpers/targets.js';
import { BUILD_LIMIT_MS, casesFor, Session } from './conformance-session.js';
import type { Suite } from './suite.js';

/** The test that closes each suite on targets with layers. */
const LAYERS_UNREAD = 'leaves the access times of the layers as they were';

/** `suite: case` to the reason why the target fails it. */
export type KnownFailures = Readonly<Record<string, string>>;

/** The test that closes each suite where there is one to read the upper. */
const readBack = (reader: Target): string => `shows the same tree under ${reader.name}`;

interface ReadBack {
  /** Mounts layers and upper after the cases of a suite. */
  readonly reader: Target;
  /** `suite: case` to the reason why the reader shows it otherwise. */
  readonly otherwise: KnownFailures;
}

export function runSuites(
  target: Target,
  suites: readonly Suite[],
  known: KnownFailures,
  back?: ReadBack,
): void {
  for (const suite of suites) {
    const cases = casesFor(suite, target);
    if (cases.length > 0)
      describe(`${suite.name} on ${target.name}`, () => runSuite(target, suite, known, back));
  }
  it(`has no known failure on ${target.name} that no suite has`, () => {
    const names = new Set(
      suites.flatMap(({ name, cases }) =>
        [LAYERS_UNREAD, ...cases.map((test) => test.name)].map((one) => `${name}: ${one}`),
      ),
    );
    const listed = [...Object.keys(known), ...Object.keys(back?.otherwise ?? {})];
    expect(listed.filter((name) => !names.has(name))).toEqual([]);
  });
}

function runSuite(target: Target, suite: Suite, known: KnownFailures, back: ReadBack | undefined): void {
  const session = new Session(target, suite);
  beforeAll(() => session.start(), BUILD_LIMIT_MS + 20_000);
  afterAll(async () => {
    await session.dispose();
    expect(findLeaks(`${workerPrefix()}${target.name}-`)).toEqual([]);
  });
  for (const test of casesFor(suite, target)) {
    it(test.name, () => heldAgainst(known[`${suite.name}: ${test.name}`], () => session.runCase(test)));
  }
  if (!target.features.has('layers')) return;
  it(LAYERS_UNREAD, () =>
    heldAgainst(known[`${suite.name}: ${LAYERS_UNREAD}`], async () =>
      expect(session.accessedLayers).toEqual([]),
    ),
  );
  if (back === undefined) return;
  it(readBack(back.reader), () => expectReadBack(session, suite, back));
}

/** A case that was expected to differ and does not is a failure too. */
async function expectReadBack(
  session: Session,
  suite: Suite,
  { reader, otherwise }: ReadBack,
): Promise<void> {
  const lines = await session.differencesUnder(reader);
  const allowed = Object.keys(otherwise).map((key) => key.slice(suite.name.length + 2));
  expect(lines.filter((line) => !allowed.some((name) => line.startsWith(`${name}: `)))).toEqual([]);
  const mine = suite.cases.map(({ name }) => name).filter((name) => `${suite.name}: ${name}` in otherwise);
  expect(mine.filter((name) => !lines.some((line) => line.startsWith(`${name}: `)))).toEqual([]);
}

async function heldAgainst(reason: string | undefined, run: () => Promise<void>): Promise<void> {
  if (reason === undefined) return run();
  let failed = false;
  try {
    await run();
  } catch (error) {
    failed = error !== undefined;
  }
  if (!failed) throw new Error(`passes, but is listed as a known failure: ${reason}`);
}
