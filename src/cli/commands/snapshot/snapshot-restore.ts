/**
 * `plyfs snapshot restore`.
 */

import { Command } from 'commander';
import { addStoreOptions, attempt, type StoreFlags } from '../../frame/store-command.js';
import { print } from '../../print/output.js';
import { openTarget, TARGET_TEXT } from './open-target.js';

const DETAILS = `
What was changed since is gone, unless a snapshot has it; later snapshots stay, and one can go to them as well. A
container must not run, nor be mounted; volumes, binds and tmpfs stay as they are. A volume must not be in use, nor may anything
run in a draft. A mount is taken away and made again, so nothing may be open in it; one that is not mounted is named by its upper.

Examples:
  plyfs stop web; plyfs snapshot restore web before-upgrade; plyfs start web`;

export function snapshotRestoreCommand(): Command {
  const command = new Command('restore')
    .description('make a container, volume, draft or mount what it was')
    .argument('<target>', TARGET_TEXT)
    .argument('<snapshot>');
  return addStoreOptions(command)
    .addHelpText('after', DETAILS)
    .action((text: string, name: string, flags: StoreFlags) =>
      attempt('snapshot restore', flags, async () => {
        const target = await openTarget(text, flags);
        await target.restore(name);
        print(name);
      }),
    );
}
