/**
 * `plyfs volume rename`.
 */

import { Command } from 'commander';
import { addStoreOptions, attempt, openStore, type StoreFlags } from '../../frame/store-command.js';

const DETAILS = `
Containers that have the volume have it under the new name from then on. Refused while a container that runs or a mount
uses it. An anonymous volume becomes a named one: 'plyfs volume prune' then leaves it alone.

Example:
  plyfs volume rename 3f1c...e2 shop-data`;

export function volumeRenameCommand(): Command {
  const command = new Command('rename')
    .description('give a volume another name')
    .argument('<volume>')
    .argument('<new-name>');
  return addStoreOptions(command)
    .addHelpText('after', DETAILS)
    .action((from: string, to: string, flags: StoreFlags) =>
      attempt('volume rename', flags, async () => {
        const { renameVolume } = await import('../../../volume/rename-volume.js');
        const { runningUsersOf } = await import('../../../daemon/run-directory/store-users.js');
        const store = await openStore(flags);
        renameVolume(store, from, to, runningUsersOf(store.root));
      }),
    );
}
