/** What plyfs does otherwise than the suites want, and why. Each line is a debt. */

import type { KnownFailures } from '../run-suites.js';

export const plyfsFailures: KnownFailures = {};

/** fuse-native carries neither nanoseconds nor rename flags, hard links or inode numbers: see design.md. */
export const plyfsFuseNativeFailures: KnownFailures = {};
