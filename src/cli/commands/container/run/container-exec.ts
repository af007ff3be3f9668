/**
 * `plyfs container exec`, also `plyfs exec`.
 */

import { Command } from 'commander';
import { collectValues } from '../../../frame/common-options.js';
import { fail } from '../../../print/output.js';
import { addContainerOptions, type ContainerFlags, openContainer } from '../each-container.js';
import { DETACH_KEYS_TEXT, NoTerminal, refuseWithoutTerminal } from './attach-options.js';
import { failToRun } from './container-run.js';

const EXEC_DETAILS = `
In a container whose command runs, the new one joins its namespaces. In one that is only mounted it has namespaces of its
own, so that two commands there do not see each other's processes. Exit status as of 'plyfs run', but 126 for
whatever keeps it from starting, as an unknown user; 1 where there is no such container, or it does not run. With -t, or
-d, it goes on when this command is gone.

Examples:
  plyfs exec -it web sh
  plyfs exec -u www-data -w /srv web ls`;

interface ExecFlags extends ContainerFlags {
  readonly env?: string[];
  readonly envFile?: string[];
  readonly workdir?: string;
  readonly user?: string;
  readonly tty?: boolean;
  readonly interactive?: boolean;
  readonly privileged?: boolean;
  readonly detach?: boolean;
  readonly detachKeys?: string;
}

export function execCommand(name: 'exec' | 'container exec'): Command {
  const command = new Command('exec')
    .description('run another command in a container')
    .argument('<container>', 'name or id')
    .argument('<command...>', 'a program and its arguments')
    .passThroughOptions()
    .option(
      '-e, --env <variable>',
      'NAME=VALUE, or NAME for the value it has here (repeatable)',
      collectValues,
    )
    .option('--env-file <file>', 'a file of such lines (repeatable)', collectValues)
    .option('-w, --workdir <dir>', "where it starts (default: the container's)")
    .option('-u, --user <user>', "USER[:GROUP] (default: the container's)")
    .option('-d, --detach', 'in the background')
    .option('--detach-keys <keys>', DETACH_KEYS_TEXT)
    .option('-t, --tty', 'a terminal of its own')
    .option('-i, --interactive', 'keep standard input open')
    .option('--privileged', 'leave root all capabilities');
  return addContainerOptions(command)
    .addHelpText('after', EXEC_DETAILS)
    .action((text: string, args: readonly string[], flags: ExecFlags) => runExec(name, text, args, flags));
}

async function runExec(name: string, text: string, args: readonly string[], flags: ExecFlags): Promise<void> {
  const { execInContainer } = await import('../../../../container/command/exec-in-container.js');
  const { parseDetachKeys, DEFAULT_DETACH_KEYS } = await import(
    '../../../../container/command/attach/detach-keys.js'
  );
  const found = await openOrFail(name, text, flags);
  if (found === undefined) return;
  const { store, record } = found;
  try {
    if (flags.detach !== true) await refuseWithoutTerminal(flags);
    const status = await execInContainer(store, record, {
      command: args,
      environment: flags.env,
      environmentFiles: flags.envFile,
      workingDirectory: flags.workdir || undefined,
      user: flags.user,
      tty: flags.tty,
      interactive: flags.interactive,
      privileged: flags.privileged,
      detach: flags.detach,
      detachKeys: parseDetachKeys(flags.detachKeys ?? DEFAULT_DETACH_KEYS),
    });
    process.exitCode = status ?? 0;
  } catch (error) {
    await failToRun(name, error, flags);
    process.exitCode = await statusOf(error, flags);
  }
}

/** Docker's: what cannot be started is 126, or 127 where it is not there; 1 where nobody waits for it, or nothing was started. */
async function statusOf(error: unknown, { detach }: ExecFlags): Promise<number> {
  const { NotRunning } = await import('../../../../container/command/exec-in-container.js');
  const { StartFailure } = await import('../../../../container/command/start-failure.js');
  const { EntriesFileError } = await import('../../../../container/make/environment.js');
  if (error instanceof StartFailure) return detach ? 1 : Math.max(126, error.status);
  return [NotRunning, NoTerminal, EntriesFileError].some((kind) => error instanceof kind) ? 1 : 125;
}

/** Docker's status is 1 here, and not 125. */
async function openOrFail(name: string, text: string, flags: ExecFlags) {
  try {
    return await openContainer(text, flags);
  } catch (error) {
    fail(name, error, { debug: flags.debug === true });
    return undefined;
  }
}
