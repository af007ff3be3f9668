/**
 * `plyfs snapshot diff`.
 */

import { Command } from 'commander';
import { addStoreOptions, attempt } from '../../frame/store-command.js';
import { addDiffOptions, type DiffFlags, printDifferences } from '../image/image-diff.js';
import { openTarget, TARGET_TEXT } from './open-target.js';

const DETAILS = `
Without a second snapshot: what has changed since. Of a draft it is what it would change on the host that is compared. Lines are
those of 'plyfs image diff': A added, C changed, D deleted with all below it, R renamed.

Examples:
  plyfs snapshot diff web before-upgrade
  plyfs snapshot diff -p web before-upgrade after-upgrade | less`;

export function snapshotDiffCommand(): Command {
  const command = new Command('diff')
    .description('say what differs between a snapshot and another, or what there is now')
    .argument('<target>', TARGET_TEXT)
    .argument('<snapshot>')
    .argument('[other]', 'a second snapshot (default: what there is now)');
  return addStoreOptions(addDiffOptions(command))
    .addHelpText('after', DETAILS)
    .action((text: string, name: string, other: string | undefined, flags: DiffFlags) =>
      attempt('snapshot diff', flags, async () => {
        const target = await openTarget(text, flags);
        using states = target.open(name, other);
        await printDifferences(states, flags);
      }),
    );
}
