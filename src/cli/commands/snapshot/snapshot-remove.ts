/**
 * `plyfs snapshot rm`.
 */

import { Command } from 'commander';
import { addStoreOptions, attemptEach, type StoreFlags } from '../../frame/store-command.js';
import { print } from '../../print/output.js';
import { openTarget, TARGET_TEXT } from './open-target.js';

const DETAILS = `
What they were taken of stays as it is. What only these states have goes from the disk; what others, the container or a fork
have in common with them stays.

Examples:
  plyfs snapshot rm web before-upgrade`;

export function snapshotRemoveCommand(): Command {
  const command = new Command('rm')
    .alias('remove')
    .description('remove snapshots')
    .argument('<target>', TARGET_TEXT)
    .argument('<snapshot...>');
  return addStoreOptions(command)
    .addHelpText('after', DETAILS)
    .action((text: string, names: readonly string[], flags: StoreFlags) =>
      attemptEach('snapshot rm', flags, names, async (name) => {
        const target = await openTarget(text, flags);
        await target.remove(name);
        print(name);
      }),
    );
}
