/**
 * `plyfs container top`, also `plyfs top`: what runs in a container.
 */

import { Command } from 'commander';
import { alignColumns } from '../../format.js';
import { print } from '../../output.js';
import { addContainerOptions, attempt, type ContainerFlags, openContainer } from './shared.js';

const DETAILS = `
Shows the processes as ps(1) on the host does, with the host's pids; without options as 'ps -ef'.

Examples:
  plyfs top web
  plyfs top web -o pid,user,args`;

export function topCommand(name: 'top' | 'container top'): Command {
  const command = new Command('top')
    .description('show the processes of a container')
    .argument('<container>', 'name or id')
    .argument('[ps options...]', 'of ps(1)')
    .passThroughOptions();
  return addContainerOptions(command)
    .addHelpText('after', DETAILS)
    .action((text: string, options: readonly string[], flags: ContainerFlags) =>
      attempt(name, flags, async () => {
        const { topContainer } = await import('../../../container/top.js');
        const { store, record } = await openContainer(text, flags);
        const { titles, rows } = await topContainer(store, record, options);
        print(alignColumns([titles, ...rows]));
      }),
    );
}
