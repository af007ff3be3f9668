/** The conformance suites in this process: the union, whose files are read and written by requests. */

import { afterAll } from 'vitest';
import { runSuites } from '../conformance/run-suites.js';
import { allSuites } from '../conformance/suites/suites.js';
import { excludedOf, suitesFor } from './excluded.js';
import { inProcessTarget } from './in-process-target.js';

const target = inProcessTarget('in-process-union', { kind: 'union' });
const suites = suitesFor(allSuites);

afterAll(() => target.end());
runSuites(target, suites, excludedOf(suites, 'union'));
