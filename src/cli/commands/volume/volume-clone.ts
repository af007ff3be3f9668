/**
 * `plyfs volume clone`.
 */

import { Command } from 'commander';
import type { Store } from '../../../store/store.js';
import { collectValues } from '../../frame/common-options.js';
import { parseKeyValues } from '../../frame/key-values.js';
import { addStoreOptions, attempt, openStore, type StoreFlags } from '../../frame/store-command.js';
import { print, say } from '../../print/output.js';

const DETAILS = `
Owners, modes, times, xattrs, hard links and holes are kept; data is shared between the copies where the file system can.
Labels come along, and 'size='. Of a volume that mounts something (type=, device=) the copy is a plain directory. Stop
what writes in the volume first, when its files must fit together.

Examples:
  plyfs volume clone --label purpose=test data data-test
  plyfs volume clone --snapshot monday data data-monday`;

interface CloneFlags extends StoreFlags {
  readonly snapshot?: string;
  readonly label?: readonly string[];
}

export function volumeCloneCommand(): Command {
  const command = new Command('clone')
    .description('make a new volume with the content of another')
    .argument('<volume>')
    .argument('<new-volume>')
    .option('--snapshot <snapshot>', 'begin with that state of the volume')
    .option('--label <key=value>', 'besides the labels of the source (repeatable)', collectValues);
  return addStoreOptions(command)
    .addHelpText('after', DETAILS)
    .action((from: string, to: string, flags: CloneFlags) =>
      attempt('volume clone', flags, async () => {
        const { cloneVolume } = await import('../../../volume/clone-volume.js');
        const labels = parseKeyValues('label', flags.label);
        const store = await openStore(flags);
        const content = flags.snapshot === undefined ? undefined : await treeOf(store, from, flags.snapshot);
        const { warnings } = await cloneVolume(store, { from, to, labels, content });
        for (const warning of warnings) say(`plyfs volume clone: ${warning}`);
        print(to);
      }),
    );
}

/** The directory with what a snapshot has. @throws UserError */
async function treeOf(store: Store, volume: string, snapshot: string): Promise<string> {
  const { volumeStateTree } = await import('../../../snapshot/volume-target.js');
  const { readVolume } = await import('../../../store/volume-record.js');
  const { noSuchVolume } = await import('../../../volume/volume-names.js');
  const record = readVolume(store, volume);
  if (record === undefined) throw noSuchVolume(volume);
  return volumeStateTree(store, record, snapshot);
}
