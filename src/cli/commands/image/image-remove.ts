/**
 * `plyfs image rm`: names and images go.
 */

import { Command } from 'commander';
import { UserError } from '../../../errno/user-error.js';
import { takeOptions } from '../../frame/docker-options.js';
import { addStoreOptions, attempt, openStore, type StoreFlags } from '../../frame/store-command.js';
import { errorLine, print } from '../../print/output.js';

const DETAILS = `
A name is taken away, and the image with its last name. An id removes the image and its name. Layers go when neither an
image nor a container needs them.

Examples:
  plyfs image rm app:1
  plyfs image rm -f 3f2a9c     also when containers use it: they keep their layers`;

interface RemoveFlags extends StoreFlags {
  readonly force?: boolean;
}

export function imageRemoveCommand(name: 'rmi' | 'image rm'): Command {
  const command = new Command(name === 'rmi' ? 'rmi' : 'rm')
    .aliases(name === 'rmi' ? [] : ['remove'])
    .description('remove names and images')
    .argument('<image...>', 'names or ids')
    .option('-f, --force', 'also images in use or with several names; unknown ones are no error');
  // There are no images between that would go with it.
  takeOptions(command, ['--no-prune']);
  return addStoreOptions(command)
    .addHelpText('after', DETAILS)
    .action((images: string[], flags: RemoveFlags) => runRemove(name, images, flags));
}

/** Goes on past an error. */
async function runRemove(command: string, images: readonly string[], flags: RemoveFlags): Promise<void> {
  const { removeImage } = await import('../../../image/catalog/remove-image.js');
  const { findImage } = await import('../../../image/catalog/image-index.js');
  const store = await openStore(flags);
  for (const text of images) {
    await attempt(command, flags, () => {
      if (flags.force && findImage(store, text) === undefined) {
        // Told, but no failure.
        process.stderr.write(errorLine(command, new UserError(`no such image: '${text}'`), { debug: false }));
        return;
      }
      const { untagged, deleted } = removeImage(store, text, { force: flags.force === true });
      for (const name of untagged) print(`Untagged: ${name}`);
      for (const id of deleted) print(`Deleted: ${id}`);
    });
  }
}
