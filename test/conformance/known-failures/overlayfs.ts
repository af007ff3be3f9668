/** What kernel overlayfs (redirect_dir, index and metacopy on) does otherwise than the suites want, and why. */

import type { KnownFailures } from '../run-suites.js';

export const overlayfsFailures: KnownFailures = {};
