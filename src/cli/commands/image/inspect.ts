/**
 * `plyfs image inspect`: all that is known of images.
 */

import { Command } from 'commander';
import { INSPECT_FORMAT_FLAG, INSPECT_FORMAT_TEXT, inspectEach } from '../../inspect.js';
import { findImageRecord } from '../../inspect-objects.js';
import { addStoreOptions, attempt, openStore, type StoreFlags } from '../../store-command.js';

const DETAILS = `
A list with an object for each image: Id, Digest, RepoTags, RepoDigests, Comment, Created, Author, Architecture, Variant, Os,
Size, Config (as in the image-spec), RootFS (Type, Layers: diffIDs), LayerDirectories, and what Docker's have besides.

Examples:
  plyfs image inspect debian:12
  plyfs image inspect --format '{{json .Config}}' app | jq .Env`;

interface InspectFlags extends StoreFlags {
  readonly format?: string;
}

export function imageInspectCommand(): Command {
  const command = new Command('inspect')
    .description('show all that is known of images, as JSON')
    .argument('<image...>', 'names or ids')
    .option(INSPECT_FORMAT_FLAG, INSPECT_FORMAT_TEXT);
  return addStoreOptions(command)
    .addHelpText('after', DETAILS)
    .action((images: string[], flags: InspectFlags) =>
      attempt('image inspect', flags, async () =>
        inspectEach(await openStore(flags), images, {
          command: 'image inspect',
          kind: 'image',
          finders: [findImageRecord],
          flags,
        }),
      ),
    );
}
