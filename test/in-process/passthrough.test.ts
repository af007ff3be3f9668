/** The conformance suites in this process: the union, whose files the kernel reads and writes itself. */

import { afterAll } from 'vitest';
import { runSuites } from '../conformance/run-suites.js';
import { copyUp } from '../conformance/suites/copy-up.suite.js';
import { heldOpen } from '../conformance/suites/held-open.suite.js';
import { link } from '../conformance/suites/link.suite.js';
import { permission } from '../conformance/suites/permission.suite.js';
import { setId } from '../conformance/suites/set-id.suite.js';
import { space } from '../conformance/suites/space.suite.js';
import { times } from '../conformance/suites/times.suite.js';
import { write } from '../conformance/suites/write.suite.js';
import { excludedOf, suitesFor } from './excluded.js';
import { inProcessTarget } from './in-process-target.js';

const target = inProcessTarget('in-process-passthrough', { kind: 'union', passthrough: true });
const suites = suitesFor([write, copyUp, link, permission, setId, times, space, heldOpen]);

afterAll(() => target.end());
runSuites(target, suites, excludedOf(suites, 'union'));
