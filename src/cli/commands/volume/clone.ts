/**
 * `plyfs volume clone`.
 */

import { Command } from 'commander';
import { parseKeyValues } from '../../key-values.js';
import { collect } from '../../options.js';
import { print } from '../../output.js';
import { addStoreOptions, attempt, openStore, type StoreFlags } from '../../store-command.js';

const DETAILS = `
Owners, modes, times, xattrs, hard links and holes are kept; data is shared between the copies where the file system can.
Labels come along, and 'size='. Of a volume that mounts something (type=, device=) the copy is a plain directory. Stop
what writes in the volume first, when its files must fit together.

Example:
  plyfs volume clone --label purpose=test data data-test`;

interface CloneFlags extends StoreFlags {
  readonly label?: readonly string[];
}

export function volumeCloneCommand(): Command {
  const command = new Command('clone')
    .description('make a new volume with the content of another')
    .argument('<volume>')
    .argument('<new-volume>')
    .option('--label <key=value>', 'besides the labels of the source (repeatable)', collect);
  return addStoreOptions(command)
    .addHelpText('after', DETAILS)
    .action((from: string, to: string, flags: CloneFlags) =>
      attempt('volume clone', flags, async () => {
        const { cloneVolume } = await import('../../../volume/clone.js');
        const labels = parseKeyValues('label', flags.label);
        const { assertAnswers } = await import('../../../volume/far-volume.js');
        const store = await openStore(flags);
        await assertAnswers(store, from, { what: `cannot clone volume '${from}'` });
        const { warnings } = cloneVolume(store, { from, to, labels });
        for (const warning of warnings) process.stderr.write(`plyfs volume clone: ${warning}\n`);
        print(to);
      }),
    );
}
