/**
 * `plyfs image inspect`: all that is known of images.
 */

import { Command } from 'commander';
import { UserError } from '../../../errno/user-error.js';
import { addStoreOptions, attempt, openStore, type StoreFlags } from '../../frame/store-command.js';
import { findImageRecord } from '../../print/inspect-objects.js';
import {
  INSPECT_FORMAT_FLAG,
  INSPECT_FORMAT_TEXT,
  type InspectedRecord,
  inspectEach,
  printInspected,
} from '../../print/print-inspected.js';

const DETAILS = `
A list with an object for each image: Id, Digest, RepoTags, RepoDigests, Comment, Created, Author, Architecture, Variant, Os,
Size, Config (as in the image-spec), RootFS (Type, Layers: diffIDs), LayerDirectories, and what Docker's have besides.
--remote asks the registries of the names, and unpacks nothing: Size is then that of what would be sent, Layers has a
descriptor for each, Platforms what an image for several of them is for. --raw prints the bytes of manifest or index.

Examples:
  plyfs image inspect debian:12
  plyfs image inspect --remote --format '{{.Digest}}' localhost:5000/app:1
  plyfs image inspect --remote --raw debian:12 | jq .manifests
  plyfs image inspect --format '{{json .Config}}' app | jq .Env`;

interface InspectFlags extends StoreFlags {
  readonly format?: string;
  readonly remote?: boolean;
  readonly raw?: boolean;
  readonly platform?: string;
  readonly insecure?: boolean;
}

export function imageInspectCommand(): Command {
  const command = new Command('inspect')
    .description('show all that is known of images, as JSON')
    .argument('<image...>', 'names or ids')
    .option(INSPECT_FORMAT_FLAG, INSPECT_FORMAT_TEXT)
    .option('--remote', 'what the registry has under the name')
    .option('--raw', 'with --remote: the manifest or index as it is')
    .option('--platform <platform>', 'with --remote: of an image for several platforms that for this one')
    .option('--insecure', 'with --remote: plain http, or a certificate that cannot be verified, will do');
  return addStoreOptions(command)
    .addHelpText('after', DETAILS)
    .action((images: string[], flags: InspectFlags) =>
      attempt('image inspect', flags, async () => {
        if (flags.remote === true) return showRemote(images, flags);
        for (const key of ['raw', 'platform', 'insecure'] as const) {
          if (flags[key] !== undefined) throw new UserError(`--${key} is for --remote`);
        }
        await inspectEach(await openStore(flags), images, {
          command: 'image inspect',
          kind: 'image',
          finders: [findImageRecord],
          flags,
        });
      }),
    );
}

/** What was found is printed, also when something was not. */
async function showRemote(names: readonly string[], flags: InspectFlags): Promise<void> {
  const { inspectRemote, rawManifest } = await import('../../../image/registry/inspect-remote.js');
  const { hostPlatform, parsePlatform } = await import('../../../image/oci/platform.js');
  const { parseReference } = await import('../../../image/oci/reference.js');
  const platform = flags.platform === undefined ? undefined : parsePlatform(flags.platform);
  const options = { insecure: flags.insecure === true };
  const found: InspectedRecord[] = [];
  for (const name of names) {
    await attempt('image inspect', flags, async () => {
      const reference = parseReference(name);
      if (flags.raw === true) process.stdout.write(await rawManifest(reference, { ...options, platform }));
      else {
        const image = await inspectRemote(reference, { ...options, platform: platform ?? hostPlatform() });
        found.push({ ...image });
      }
    });
  }
  if (flags.raw !== true) printInspected(found, flags.format);
}
