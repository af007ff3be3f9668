/** The conformance suites in this process: a mirror whose answers the kernel keeps, as of a tmpfs. */

import { afterAll } from 'vitest';
import { runSuites } from '../conformance/run-suites.js';
import { allSuites } from '../conformance/suites/suites.js';
import { excludedOf, suitesFor } from './excluded.js';
import { inProcessTarget } from './in-process-target.js';

const target = inProcessTarget('in-process-mirror', { kind: 'mirror' });
const suites = suitesFor(allSuites);

afterAll(() => target.end());
runSuites(target, suites, excludedOf(suites, 'mirror'));
