/**
 * `plyfs image tag`: one name more for an image.
 */

import { Command } from 'commander';
import { addStoreOptions, attempt, openStore, type StoreFlags } from '../../frame/store-command.js';

const DETAILS = `
Examples:
  plyfs image tag app:1 app:latest
  plyfs image tag 3f2a9c localhost:5000/app:1`;

export function imageTagCommand(name: 'tag' | 'image tag'): Command {
  const command = new Command('tag')
    .description('give an image one more name')
    .argument('<image>', 'a name or an id')
    .argument('<name>', 'NAME[:TAG]; taken from the image that has it');
  return addStoreOptions(command)
    .addHelpText('after', DETAILS)
    .action((source: string, target: string, flags: StoreFlags) =>
      attempt(name, flags, async () => {
        const { tagImage } = await import('../../../image/catalog/remove-image.js');
        tagImage(await openStore(flags), source, target);
      }),
    );
}
