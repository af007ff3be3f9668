/**
 * `plyfs container attach`, also `plyfs attach`.
 */

import { Command } from 'commander';
import { addContainerOptions, type ContainerFlags, openContainer } from '../each-container.js';
import { DETACH_KEYS_TEXT, refuseWithoutTerminal } from './attach-options.js';
import { failToRun } from './container-run.js';

const DETAILS = `
What the container's command prints from now on comes here, what is typed goes to it where it was made with -i. On a
terminal the detach keys leave it running. The exit status is the command's.

Examples:
  plyfs attach shell
  plyfs attach --no-stdin web`;

interface AttachFlags extends ContainerFlags {
  readonly detachKeys?: string;
  readonly stdin?: boolean;
  readonly sigProxy?: boolean;
}

export function attachCommand(name: 'attach' | 'container attach'): Command {
  const command = new Command('attach')
    .description('join the standard input and output of a running container')
    .argument('<container>', 'name or id')
    .option('--detach-keys <keys>', DETACH_KEYS_TEXT)
    .option('--no-stdin', 'leave its standard input alone')
    .option('--sig-proxy', 'pass signals on to the command; the default, without a terminal', true)
    .option('--no-sig-proxy', 'keep signals to this command');
  return addContainerOptions(command)
    .addHelpText('after', DETAILS)
    .action((text: string, flags: AttachFlags) => runAttach(name, text, flags));
}

async function runAttach(name: string, text: string, flags: AttachFlags): Promise<void> {
  const { assertRuns, attachToRunning } = await import(
    '../../../../container/command/attach/attach-to-running.js'
  );
  const { parseDetachKeys, DEFAULT_DETACH_KEYS } = await import(
    '../../../../container/command/attach/detach-keys.js'
  );
  const { UserError } = await import('../../../../errno/user-error.js');
  try {
    const { store, record } = await openContainer(text, flags);
    const { tty, interactive } = record.process;
    assertRuns(store, record);
    const stdin = interactive && flags.stdin !== false;
    await refuseWithoutTerminal({ tty, interactive: stdin });
    const status = await attachToRunning(store, record, {
      stdin,
      stdout: true,
      stderr: true,
      detachKeys: parseDetachKeys(flags.detachKeys ?? DEFAULT_DETACH_KEYS),
      forwardsSignals: flags.sigProxy !== false,
      atBrokenOutput: 'leave',
    });
    if (status === undefined) throw new UserError('read escape sequence');
    process.exitCode = status;
  } catch (error) {
    await failToRun(name, error, flags);
    process.exitCode = 1;
  }
}
