/** What plyfs does otherwise than the suites want, and why. Each line is a debt. */

import type { KnownFailures } from '../run-suites.js';

export const plyfsFailures: KnownFailures = {};
