/** The conformance suites in this process: binds over the union. */

import { afterAll } from 'vitest';
import { runSuites } from '../conformance/run-suites.js';
import { hostChanges } from '../conformance/suites/host-changes.suite.js';
import { mounts } from '../conformance/suites/mounts.suite.js';
import { excludedOf, suitesFor } from './excluded.js';
import { inProcessTarget } from './in-process-target.js';

const target = inProcessTarget('in-process-mounts', { kind: 'mounts' });
const suites = suitesFor([mounts, hostChanges]);

afterAll(() => target.end());
runSuites(target, suites, excludedOf(suites, 'union'));
