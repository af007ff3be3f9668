/** All suites on kernel overlayfs, the reference for everything about layers. */

import { overlayfs, plyfs } from '../helpers/targets.js';
import { overlayfsFailures, readOtherwise } from './known-failures/overlayfs.js';
import { runSuites } from './run-suites.js';
import { allSuites } from './suites/suites.js';

runSuites(overlayfs, allSuites, overlayfsFailures, { reader: plyfs, otherwise: readOtherwise });
