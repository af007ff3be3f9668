/**
 * `plyfs container logs`, also `plyfs logs`.
 */

import { Command } from 'commander';
import { addContainerOptions, attempt, type ContainerFlags, openContainer } from './each-container.js';

const DETAILS = `
What the container's command has printed in all its runs, in the foreground too: its standard output to standard output,
its standard error to standard error. TIME is a date, seconds since 1970, or an age (10m, 1h30m).

Examples:
  plyfs logs web
  plyfs logs -f -n 20 web
  plyfs logs -t --since 10m web 2>/dev/null`;

interface LogsFlags extends ContainerFlags {
  readonly follow?: boolean;
  readonly tail?: string;
  readonly since?: string;
  readonly until?: string;
  readonly timestamps?: boolean;
  readonly details?: boolean;
}

export function logsCommand(name: 'logs' | 'container logs'): Command {
  const command = new Command('logs')
    .description("show a container's output")
    .argument('<container>', 'name or id')
    .option('-f, --follow', 'go on until the container ends')
    .option('-n, --tail <lines>', "only the last so many, or 'all'", 'all')
    .option('--since <time>', 'only what was printed from then on')
    .option('--until <time>', 'only what was printed until then')
    .option('-t, --timestamps', 'the time before each line')
    .option('--details', 'what --log-opt labels=, env= and tag= name, before each line');
  return addContainerOptions(command)
    .addHelpText('after', DETAILS)
    .action((text: string, flags: LogsFlags) => attempt(name, flags, () => runLogs(text, flags)));
}

async function runLogs(text: string, flags: LogsFlags): Promise<void> {
  const { printLog } = await import('../../../container/view/print-log.js');
  const { parseTime } = await import('../../../container/record/until.js');
  const { store, record } = await openContainer(text, flags);
  const tail = flags.tail ?? 'all';
  await printLog(store, record, {
    follow: flags.follow === true,
    // As in Docker, what is no number means all of them.
    lastLines: /^\d{1,9}$/.test(tail) ? Number(tail) : undefined,
    since: flags.since === undefined ? undefined : parseTime('--since', flags.since),
    until: flags.until === undefined ? undefined : parseTime('--until', flags.until),
    timestamps: flags.timestamps === true,
    details: flags.details === true,
  });
}
