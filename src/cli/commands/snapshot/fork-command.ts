/**
 * `plyfs fork`: a second container, volume or draft that begins with what another is.
 */

import { Command } from 'commander';
import { addStoreOptions, attempt, type StoreFlags } from '../../frame/store-command.js';
import { print } from '../../print/output.js';
import { openTarget, TARGET_TEXT } from './open-target.js';

const DETAILS = `
Containers: both have the same image, changes, options, volumes and binds; from now on neither sees what the other changes.
Nothing is copied: what the first one has changed becomes a layer that they share, on disk and in the page cache. A volume without
a name is shared too, and is the first one's. Volumes and drafts are copied, with blocks shared where the file system can.

Examples:
  plyfs fork web web-test
  plyfs fork --snapshot before-upgrade web web-old
  plyfs fork draft:upgrade upgrade-2`;

interface ForkFlags extends StoreFlags {
  readonly snapshot?: string;
  readonly pause?: boolean;
}

export function forkCommand(): Command {
  const command = new Command('fork')
    .description('make a second container, volume or draft out of what one is now')
    .argument('<target>', TARGET_TEXT)
    .argument('<new>', 'name of the second')
    .option('--snapshot <snapshot>', 'begin with that state of the first')
    .option('--no-pause', 'let its processes go on meanwhile');
  return addStoreOptions(command)
    .addHelpText('after', DETAILS)
    .action((text: string, name: string, flags: ForkFlags) =>
      attempt('fork', flags, async () => {
        const target = await openTarget(text, flags);
        print(await target.fork(name, { snapshot: flags.snapshot, pause: flags.pause !== false }));
      }),
    );
}
