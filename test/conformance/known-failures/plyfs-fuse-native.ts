/** What plyfs with the engine fuse-native fails. */

import type { KnownFailures } from '../run-suites.js';

export const plyfsFuseNativeFailures: KnownFailures = {};
