/**
 * `plyfs snapshot create`.
 */

import { Command } from 'commander';
import { addStoreOptions, attempt, type StoreFlags } from '../../frame/store-command.js';
import { print } from '../../print/output.js';
import { openTarget, TARGET_TEXT } from './open-target.js';

const DETAILS = `
What the container has changed becomes a layer, and an empty one takes what it writes from now on: nothing is copied or walked,
however much it is. It may run; what its programs have open goes on. Of a file that is open for writing the snapshot gets a
copy, and processes stop meanwhile. Volumes, binds and tmpfs are not in it.

Of a mount by 'plyfs mount --upper DIR' upper becomes a layer too, in DIR.snapshots; every later mount of DIR has it below.

Of a volume or draft the state is a copy, with blocks shared where the file system can; containers that have the volume stop
meanwhile. Nothing may run in the draft, and the volume is on no device (--opt type=).

Examples:
  plyfs snapshot create web before-upgrade
  plyfs snapshot restore web before-upgrade
  plyfs snapshot create volume:data monday
  plyfs snapshot create /mnt before`;

export function snapshotCreateCommand(): Command {
  const command = new Command('create')
    .description('keep what a container, volume, draft or mount is now under a name')
    .argument('<target>', TARGET_TEXT)
    .argument('<snapshot>', 'a name for the state')
    .option('--no-pause', 'let its processes go on meanwhile');
  return addStoreOptions(command)
    .addHelpText('after', DETAILS)
    .action((text: string, name: string, flags: StoreFlags & { readonly pause?: boolean }) =>
      attempt('snapshot create', flags, async () => {
        const target = await openTarget(text, flags);
        await target.create(name, { pause: flags.pause !== false });
        print(name);
      }),
    );
}
