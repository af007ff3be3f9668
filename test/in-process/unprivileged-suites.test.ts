/** The conformance suites in this process, by a user without privileges. */

import { afterAll, beforeAll } from 'vitest';
import { runSuites } from '../conformance/run-suites.js';
import { allSuites } from '../conformance/suites/suites.js';
import { excludedOf, suitesFor } from './excluded.js';
import { excludedForUser } from './excluded-for-user.js';
import { inProcessTarget } from './in-process-target.js';
import { becomeOrdinary, suiteForUser } from './unprivileged-suite.js';

const target = inProcessTarget('in-process-user', { kind: 'union' });
const suites = suitesFor(allSuites).map(suiteForUser);
let restore = (): void => undefined;

beforeAll(() => {
  restore = becomeOrdinary();
});
afterAll(async () => {
  await target.end();
  restore();
});
runSuites(target, suites, { ...excludedOf(suites, 'union'), ...excludedForUser });
