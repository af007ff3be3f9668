/**
 * `plyfs daemon log`: what the daemons and their mounts have said.
 */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { DEBUG_FLAG } from '../../frame/common-options.js';
import { fail, print } from '../../print/output.js';

const DETAILS = `
The lines of all daemons and mounts, oldest first. Logs of mounts that are gone lie in the run directory, logs/ID.log, the last
20 of them.

Example:
  plyfs daemon log | tail -20`;

export function daemonLogCommand(): Command {
  return new Command('log')
    .description('print what the daemons and their mounts have said')
    .option(DEBUG_FLAG, 'stack traces with errors')
    .addHelpText('after', DETAILS)
    .action(runLog);
}

async function runLog(flags: { readonly debug?: boolean }): Promise<void> {
  try {
    const { runningDaemons } = await import('../../../daemon/client/daemon-control.js');
    const { runDirectory, runRoot } = await import('../../../daemon/run-directory/run-state.js');
    const daemons = await runningDaemons();
    const directories = daemons.flatMap(({ directory, mounts }) => [
      directory,
      ...mounts.map(({ id }) => runDirectory(runRoot(), id)),
    ]);
    const lines = [...new Set(directories)].flatMap(linesOf);
    const sorted = lines.sort((a, b) => (timeOf(a) < timeOf(b) ? -1 : Number(timeOf(a) > timeOf(b))));
    if (sorted.length > 0) print(sorted.join('\n'));
  } catch (error) {
    fail('daemon log', error, { debug: flags.debug === true });
  }
}

function linesOf(directory: string): string[] {
  const log = join(directory, 'log');
  return existsSync(log) ? readFileSync(log, 'utf8').split('\n').filter(Boolean) : [];
}

/** Lines begin with their time. */
function timeOf(line: string): string {
  return line.slice(0, line.indexOf(' '));
}
