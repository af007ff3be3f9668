/**
 * `plyfs volume rm`.
 */

import { Command } from 'commander';
import {
  addStoreOptions,
  attempt,
  attemptEach,
  openStore,
  type StoreFlags,
} from '../../frame/store-command.js';
import { print } from '../../print/output.js';

const DETAILS = `
A volume that a container has, also a stopped one, or that a mount uses is refused. All names are tried; the exit status
is 1 when one of them failed. What is mounted in a volume by its options stays where it is stored.

Examples:
  plyfs volume rm data
  plyfs volume rm -f old-one old-two      no error for those there are not`;

interface RemoveFlags extends StoreFlags {
  readonly force?: boolean;
}

export function volumeRemoveCommand(): Command {
  const command = new Command('rm')
    .alias('remove')
    .description('remove volumes with what is in them')
    .argument('<volume...>')
    .option('-f, --force', 'ignore volumes that do not exist');
  return addStoreOptions(command)
    .addHelpText('after', DETAILS)
    .action((names: string[], flags: RemoveFlags) =>
      attempt('volume rm', flags, () => runRemove(names, flags)),
    );
}

async function runRemove(names: readonly string[], flags: RemoveFlags): Promise<void> {
  const { removeVolume } = await import('../../../volume/remove-volume.js');
  const { runningUsersOf } = await import('../../../daemon/run-directory/store-users.js');
  const { readVolume } = await import('../../../store/volume-record.js');
  const store = await openStore(flags);
  await attemptEach('volume rm', flags, names, (name) => {
    const isThere = readVolume(store, name) !== undefined;
    if (isThere || !flags.force) removeVolume(store, name, runningUsersOf(store.root));
    print(name);
  });
}
