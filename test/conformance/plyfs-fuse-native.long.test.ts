/** All suites on plyfs with the engine fuse-native; what that lacks is in its list of known failures. */

import { plyfsFuseNative } from '../helpers/targets.js';
import { plyfsFuseNativeFailures } from './known-failures/plyfs-fuse-native.js';
import { runSuites } from './run-suites.js';
import { allSuites } from './suites/suites.js';

runSuites(plyfsFuseNative, allSuites, plyfsFuseNativeFailures);
