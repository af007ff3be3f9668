/**
 * `plyfs container restart`, also `plyfs restart`.
 */

import { Command } from 'commander';
import { addStopOptions, type StopFlags, stopOptionsOf } from './container-stop.js';
import { addContainerOptions, type ContainerFlags, forEachContainer } from './each-container.js';

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
  const { noteContainer } = await import('../../../container/record/note-container.js');
  const { keepForRestart, stopContainer } = await import('../../../container/end/stop-container.js');
  const { runDetached } = await import('../../../container/command/start-supervisor.js');
  await forEachContainer(
    texts,
    flags,
    async (store, record) => {
      await keepForRestart(store, record);
      await stopContainer(store, record, await stopOptionsOf(flags));
      await runDetached(store, record);
      noteContainer(store, record, 'restart');
    },
    { command: name, atOnce: true },
  );
}
