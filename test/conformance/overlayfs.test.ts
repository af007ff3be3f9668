/** All suites on kernel overlayfs, the reference for everything about layers. */

import { overlayfs } from '../helpers/targets.js';
import { overlayfsFailures } from './known-failures/overlayfs.js';
import { runSuites } from './run-suites.js';
import { allSuites } from './suites/all.js';

runSuites(overlayfs, allSuites, overlayfsFailures);
