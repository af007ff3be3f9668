/**
 * `plyfs container exec`, also `plyfs exec`; and `logs`.
 */

import { Command } from 'commander';
import { collect } from '../../options.js';
import { failToRun } from './run.js';
import { addContainerOptions, attempt, type ContainerFlags, openContainer } from './shared.js';

const EXEC_DETAILS = `
In a container whose command runs, the new one joins its namespaces. In one that is only mounted it has namespaces of its
own, so that two commands there do not see each other's processes. Exit status as of 'plyfs run'.

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
}

export function execCommand(name: 'exec' | 'container exec'): Command {
  const command = new Command('exec')
    .description('run another command in a container')
    .argument('<container>', 'name or id')
    .argument('<command...>', 'a program and its arguments')
    .passThroughOptions()
    .option('-e, --env <variable>', 'NAME=VALUE, or NAME for the value it has here (repeatable)', collect)
    .option('--env-file <file>', 'a file of such lines (repeatable)', collect)
    .option('-w, --workdir <dir>', "where it starts (default: the container's)")
    .option('-u, --user <user>', "USER[:GROUP] (default: the container's)")
    .option('-t, --tty', 'a terminal of its own')
    .option('-i, --interactive', 'keep standard input open')
    .option('--privileged', 'leave root all capabilities');
  return addContainerOptions(command)
    .addHelpText('after', EXEC_DETAILS)
    .action((text: string, args: readonly string[], flags: ExecFlags) => runExec(name, text, args, flags));
}

async function runExec(name: string, text: string, args: readonly string[], flags: ExecFlags): Promise<void> {
  try {
    const { execInContainer } = await import('../../../container/exec.js');
    const { store, record } = await openContainer(text, flags);
    process.exitCode = await execInContainer(store, record, {
      command: args,
      environment: flags.env,
      environmentFiles: flags.envFile,
      workingDirectory: flags.workdir,
      user: flags.user,
      tty: flags.tty,
      interactive: flags.interactive,
      privileged: flags.privileged,
    });
  } catch (error) {
    await failToRun(name, error, flags);
  }
}

const LOGS_DETAILS = `
What the command of 'run -d' or 'start --run' has printed, standard output and error as they came. A command in the
foreground leaves no log.

Examples:
  plyfs container logs web
  plyfs container logs -f -n 20 web`;

interface LogsFlags extends ContainerFlags {
  readonly follow?: boolean;
  readonly tail?: string;
}

export function logsCommand(name: 'logs' | 'container logs'): Command {
  const command = new Command('logs')
    .description("show a container's output")
    .argument('<container>', 'name or id')
    .option('-f, --follow', 'go on until the container ends')
    .option('-n, --tail <lines>', "only the last so many, or 'all'", 'all');
  return addContainerOptions(command)
    .addHelpText('after', LOGS_DETAILS)
    .action((text: string, flags: LogsFlags) =>
      attempt(name, flags, async () => {
        const { printLog } = await import('../../../container/wait.js');
        const { UserError } = await import('../../../errno/user-error.js');
        const { store, record } = await openContainer(text, flags);
        const tail = flags.tail ?? 'all';
        if (!/^(all|\d{1,9})$/.test(tail)) {
          throw new UserError(`invalid number of lines '${tail}'`, { hint: "a number, or 'all'" });
        }
        await printLog(store, record, {
          follow: flags.follow === true,
          lastLines: tail === 'all' ? undefined : Number(tail),
        });
      }),
    );
}
