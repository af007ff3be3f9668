/**
 * `plyfs image inspect`: all that is known of images.
 */

import { Command } from 'commander';
import { formatInspect, INSPECT_FORMAT_FLAG, INSPECT_FORMAT_TEXT, type Inspected } from '../../inspect.js';
import { print } from '../../output.js';
import { addStoreOptions, attempt, openStore, type StoreFlags } from '../../store-command.js';

const DETAILS = `
A list with an object for each image: Id, Digest, RepoTags, RepoDigests, Comment, Created, Author, Architecture, Variant, Os,
Size, Config (as in the image-spec), RootFS (Type, Layers: diffIDs), LayerDirectories.

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
    .option(INSPECT_FORMAT_FLAG, INSPECT_FORMAT_TEXT, 'json');
  return addStoreOptions(command)
    .addHelpText('after', DETAILS)
    .action((images: string[], flags: InspectFlags) => runInspect(images, flags));
}

/** What was found is printed, also when something was not. */
async function runInspect(images: readonly string[], flags: InspectFlags): Promise<void> {
  const { inspectImage } = await import('../../../image/inspect-image.js');
  const { resolveImage } = await import('../../../image/image-index.js');
  const store = await openStore(flags);
  const found: Inspected[] = [];
  for (const text of images) {
    await attempt('image inspect', flags, () => {
      found.push(inspectImage(store, resolveImage(store, text)) as unknown as Inspected);
    });
  }
  await attempt('image inspect', flags, () => {
    print(formatInspect(found, flags.format));
  });
}
