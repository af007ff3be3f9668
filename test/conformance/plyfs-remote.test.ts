/** The suites of binds and volumes where each is served by a thread of its own, as remote storage is. */

import { plyfsRemote } from '../helpers/targets.js';
import { plyfsRemoteFailures } from './known-failures/plyfs-remote.js';
import { runSuites } from './run-suites.js';
import { hostChanges } from './suites/host-changes.suite.js';
import { mounts } from './suites/mounts.suite.js';

runSuites(plyfsRemote, [mounts, hostChanges], plyfsRemoteFailures);
