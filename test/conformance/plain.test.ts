/** All suites on a plain directory: what ext4 fails, the suite has wrong. */

import { plain } from '../helpers/targets.js';
import { runSuites } from './run-suites.js';
import { allSuites } from './suites/suites.js';

runSuites(plain, allSuites, {});
