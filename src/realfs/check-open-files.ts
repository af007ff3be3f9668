/** The invariants of what is open, as tests check them after each operation. */

import type { OpenFile } from './open-files.js';

/** @returns a line for each that does not hold of the file. */
export function checkOpenFile(file: OpenFile): string[] {
  const state = file.openState;
  if (state === undefined) return [];
  const wrong: string[] = [];
  const hold = (holds: boolean, what: string): void => {
    if (!holds) wrong.push(`${file.name} (node ${file.id}): ${what}`);
  };
  hold(state.openCount >= 0, `openCount is ${state.openCount}`);
  hold(
    state.writers >= 0 && state.writers <= state.openCount,
    `${state.writers} of ${state.openCount} opens may write`,
  );
  hold((state.mode === 'closed') === (state.openCount === 0), `${state.openCount} opens are '${state.mode}'`);
  hold(!state.isBacked || state.backingId !== 0, 'its opens have a backing file that is not there');
  hold(state.outdatedFd >= 0 === (state.mode === 'outdated'), `'${state.mode}' with an outdated file`);
  hold(state.openCount > 0 || state.writeFd < 0, 'it is open for writing, and by nobody');
  hold(!state.writeFdAppends || state.writeFd >= 0, 'a descriptor that is not open appends');
  return wrong;
}
