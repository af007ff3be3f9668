/** How many descriptors a daemon asks for, and what they are for. */

import { readFileSync } from 'node:fs';

/** As many as systemd and Docker give a service; the table of them costs 8 bytes each, when they are used. */
const MOST_DESCRIPTORS = 1_048_576;

/** A walk through more directories opens them again: 2 us each. */
const MOST_CACHED = 32_768;

/** What to raise the process's limit to where that is allowed; the kernel refuses more than fs.nr_open. */
export function wantedDescriptors(): number {
  return Math.min(MOST_DESCRIPTORS, Number(readFileSync('/proc/sys/fs/nr_open', 'latin1')));
}

/** Directories that the union, and all mirrors of a thread together, may each keep open. */
export function cachedDescriptors(fileLimit: number): number {
  return Math.min(MOST_CACHED, Math.floor(fileLimit / 4));
}
