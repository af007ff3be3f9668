/** Deletes what was discarded in a store, in a process of its own: a supervisor has other commands to wait for. */

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Roots of stores that are being swept. */
const swept = new Set<string>();

export function sweepApart(root: string): void {
  if (swept.has(root)) return;
  swept.add(root);
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('../../store/sweep-main.js', import.meta.url)), root],
    {
      stdio: 'ignore',
      detached: true,
    },
  );
  const end = () => swept.delete(root);
  // The next command that changes the store sweeps it.
  child.on('error', end).on('exit', end);
  child.unref();
}
