/**
 * `plyfs volume status`: what has become of a volume that an image filled. `plyfs volume reseed` fills it anew.
 */

import { Command } from 'commander';
import { confirm } from '../../frame/confirm.js';
import { addStoreOptions, attempt, openStore, type StoreFlags } from '../../frame/store-command.js';
import { print, say, shown } from '../../print/output.js';
import { addDiffOptions, type DiffFlags, printDifferences } from '../image/image-diff.js';

const STATUS_DETAILS = `
A volume is filled with what the image has in its place when the first container gets it, and never again: a newer image does not
reach it. It is compared with the image that filled it; lines are those of 'plyfs image diff': A what the volume has besides,
C what differs, D what is gone. Standard error says which image it was, and whether its name means another by now.

Examples:
  plyfs volume status data
  plyfs volume status --semantic --image app:2 data      what would 'reseed --image app:2' bring?
  plyfs volume status --exit-code data >/dev/null || echo changed`;

const RESEED_DETAILS = `
What the name of the image means by now counts; files that were changed or added in the volume are gone. Take a snapshot first
('plyfs snapshot create volume:data before') to be able to go back. Nobody may use the volume meanwhile.

Examples:
  plyfs volume reseed data
  plyfs volume reseed -f --image app:2 data`;

interface ImageFlag {
  readonly image?: string;
}

export function volumeStatusCommand(): Command {
  const command = new Command('status')
    .description("say what differs between a volume and the image's files that filled it")
    .argument('<volume>')
    .option('--image <image>', 'compare with what this one has there');
  return addStoreOptions(addDiffOptions(command))
    .addHelpText('after', STATUS_DETAILS)
    .action((volume: string, flags: DiffFlags & ImageFlag) =>
      attempt('volume status', flags, async () => {
        const { openVolumeDrift } = await import('../../../container/changes/volume-origin.js');
        await using drift = await openVolumeDrift(await openStore(flags), volume, flags.image);
        const note = drift.isOutdated ? '; that name means another image by now' : '';
        say(`volume '${volume}': compared with ${drift.path} of '${drift.imageName}'${note}`);
        await printDifferences(drift, flags);
      }),
    );
}

export function volumeReseedCommand(): Command {
  const command = new Command('reseed')
    .description('fill a volume with what its image has, as if it were new')
    .argument('<volume>')
    .option('--image <image>', 'another image than the one that filled it')
    .option('-f, --force', 'do not ask');
  return addStoreOptions(command)
    .addHelpText('after', RESEED_DETAILS)
    .action((volume: string, flags: StoreFlags & ImageFlag & { readonly force?: boolean }) =>
      attempt('volume reseed', flags, async () => {
        const { reseedVolume } = await import('../../../container/changes/volume-origin.js');
        await confirm({
          warning: `What was changed in volume '${volume}' will be gone.`,
          force: flags.force === true,
        });
        const { warnings } = await reseedVolume(await openStore(flags), volume, flags.image);
        for (const warning of warnings) say(`plyfs volume reseed: ${warning}`);
        print(shown(volume));
      }),
    );
}
