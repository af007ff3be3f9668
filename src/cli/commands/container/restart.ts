/**
 * `plyfs container restart`, also `plyfs restart`.
 */

import { Command } from 'commander';
import { addContainerOptions, type ContainerFlags, forEachContainer } from './shared.js';
import { addStopOptions, type StopFlags, stopWays } from './stop.js';

const DETAILS = `
As 'stop' and then 'start': the command is run again in the background, also that of a container that did not run.

Examples:
  plyfs restart web
  plyfs container restart -t 2 web db`;

type Flags = ContainerFlags & StopFlags;

export function restartCommand(name: 'restart' | 'container restart'): Command {
  const command = new Command('restart')
    .description('stop containers and start them again')
    .argument('<container...>', 'names or ids');
  return addContainerOptions(addStopOptions(command))
    .addHelpText('after', DETAILS)
    .action((texts: readonly string[], flags: Flags) => runRestart(name, texts, flags));
}

async function runRestart(name: string, texts: readonly string[], flags: Flags): Promise<void> {
  const { keepForRestart, stopContainer } = await import('../../../container/stop.js');
  const { runDetached } = await import('../../../container/run.js');
  await forEachContainer(
    texts,
    flags,
    async (store, record) => {
      keepForRestart(store, record);
      await stopContainer(store, record, await stopWays(flags));
      await runDetached(store, record);
    },
    { command: name, atOnce: true },
  );
}
