/** What was left out of layers, for people. */

import type { Notices } from './entry-attributes.js';

/** A line each: `owners: everything belongs to you (123 entries)`. */
export function noticeLines(notices: Notices): string[] {
  return [...notices].map(([what, count]) => {
    const entries = `${count} ${count === 1 ? 'entry' : 'entries'}`;
    if (what === 'owners') return `owners were not kept, ${entries}: that needs root`;
    return `${what} left out of ${entries}: not permitted here`;
  });
}
