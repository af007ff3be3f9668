/**
 * `plyfs container restart`, also `plyfs restart`.
 */

import { Command } from 'commander';
import { addContainerOptions, type ContainerFlags, forEachContainer } from './shared.js';
import { addStopOptions, type StopFlags, stopWays } from './stop.js';

const DETAILS = `
As 'stop' and then 'start'; where the container's command ran, it is run again in the background, as by 'start --run'.

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
  const { stopContainer } = await import('../../../container/stop.js');
  const { startContainer } = await import('../../../container/mount.js');
  const { runDetached } = await import('../../../container/run.js');
  const { UserError } = await import('../../../errno/user-error.js');
  const { statusOf } = await import('../../../container/status.js');
  await forEachContainer(
    texts,
    flags,
    async (store, record) => {
      const ran = statusOf(store, record).pid !== undefined;
      if (ran && record.autoRemove) {
        throw new UserError(`cannot restart container '${record.name}': it was made with --rm`, {
          hint: 'it is removed when it stops',
        });
      }
      await stopContainer(store, record, await stopWays(flags));
      if (ran) await runDetached(store, record);
      else await startContainer(store, record);
    },
    { command: name },
  );
}
