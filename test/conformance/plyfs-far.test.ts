/** The suites of binds and volumes where each is served by a thread of its own, as far storage is. */

import { plyfsFar } from '../helpers/targets.js';
import { plyfsFarFailures } from './known-failures/plyfs-far.js';
import { runSuites } from './run-suites.js';
import { hostChanges } from './suites/host-changes.suite.js';
import { mounts } from './suites/mounts.suite.js';

runSuites(plyfsFar, [mounts, hostChanges], plyfsFarFailures);
