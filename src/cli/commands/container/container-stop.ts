/**
 * `plyfs container stop`, `kill` and `wait`.
 */

import { Command, Option } from 'commander';
import type { StopOptions } from '../../../container/end/stop-container.js';
import { print } from '../../print/output.js';
import {
  addContainerOptions,
  attempt,
  type ContainerFlags,
  forEachContainer,
  openStore,
} from './each-container.js';

const STOP_DETAILS = `
Its command gets the stop signal and, after the time, SIGKILL; what else runs in it is killed; then it is unmounted. All
changes are kept: 'start' shows them again. A container that does not run is left as it is.

Examples:
  plyfs container stop web
  plyfs container stop -t 2 web db`;

export interface StopFlags extends ContainerFlags {
  readonly time?: string;
  readonly timeout?: string;
  readonly signal?: string;
  readonly lazy?: boolean;
}

export function stopCommand(name: 'stop' | 'container stop'): Command {
  const command = new Command('stop')
    .description('end the commands of containers and unmount them')
    .argument('<container...>', 'names or ids');
  return addContainerOptions(addStopOptions(command))
    .addHelpText('after', STOP_DETAILS)
    .action((texts: readonly string[], flags: StopFlags) => runStop(name, texts, flags));
}

async function runStop(name: string, texts: readonly string[], flags: StopFlags): Promise<void> {
  const { stopContainer } = await import('../../../container/end/stop-container.js');
  const { containerStatus } = await import('../../../container/record/status.js');
  await forEachContainer(
    texts,
    flags,
    async (store, record) => {
      const ran = containerStatus(store, record).status === 'running';
      await stopContainer(store, record, await stopOptionsOf(flags));
      // A supervisor that waits for a command does so at its end; here there may be none.
      if (!ran || !record.autoRemove) return;
      const { removeContainer } = await import('../../../container/end/remove-container.js');
      await removeContainer(store, record, { force: true, volumes: true });
    },
    { command: name, atOnce: true },
  );
}

/** Also of `restart`. */
export function addStopOptions(command: Command): Command {
  return command
    .option(
      '-t, --time <seconds>',
      "how long to wait before SIGKILL; -1: for ever (default: the container's, or 10)",
    )
    .addOption(new Option('--timeout <seconds>', 'the same, as Docker has it now').hideHelp())
    .option('-s, --signal <signal>', "instead of the container's stop signal")
    .option('--lazy', 'unmount also when programs on the host use it; it is served until they are done');
}

export async function stopOptionsOf(flags: StopFlags): Promise<StopOptions> {
  const { parseSignal } = await import('../../../container/record/signal.js');
  return {
    signal: flags.signal === undefined ? undefined : parseSignal(flags.signal),
    graceMs: await graceOf(flags.timeout ?? flags.time),
    lazily: flags.lazy,
  };
}

async function graceOf(text: string | undefined): Promise<number | undefined> {
  const { UserError } = await import('../../../errno/user-error.js');
  if (text === undefined) return undefined;
  if (/^(-1|\d{1,9})$/.test(text)) return Number(text) * 1000;
  throw new UserError(`invalid time '${text}'`, { hint: 'seconds, or -1' });
}

const KILL_DETAILS = `
Examples:
  plyfs container kill web
  plyfs container kill -s HUP web`;

export function killCommand(name: 'kill' | 'container kill'): Command {
  const command = new Command('kill')
    .description('send a signal to the commands of containers')
    .argument('<container...>', 'names or ids')
    .option('-s, --signal <signal>', 'by name or number', 'KILL');
  return addContainerOptions(command)
    .addHelpText('after', KILL_DETAILS)
    .action(async (texts: readonly string[], flags: ContainerFlags & { readonly signal: string }) => {
      const { killContainer } = await import('../../../container/end/stop-container.js');
      await forEachContainer(texts, flags, (store, record) => killContainer(store, record, flags.signal), {
        command: name,
        atOnce: true,
      });
    });
}

const WAIT_DETAILS = `
Prints the exit status of each command when it has ended, that of the last run when it does not run.

Example:
  plyfs container wait job`;

export function waitCommand(name: 'wait' | 'container wait'): Command {
  const command = new Command('wait')
    .description('wait until containers stop, and print their exit statuses')
    .argument('<container...>', 'names or ids');
  return addContainerOptions(command)
    .addHelpText('after', WAIT_DETAILS)
    .action(async (texts: readonly string[], flags: ContainerFlags) => {
      const { waitForContainer } = await import('../../../container/command/wait-for-container.js');
      const { resolveContainer } = await import('../../../container/record/find.js');
      const store = await openStore(flags);
      for (const text of texts) {
        await attempt(name, flags, async () => {
          print(String(await waitForContainer(store, resolveContainer(store, text))));
        });
      }
    });
}
