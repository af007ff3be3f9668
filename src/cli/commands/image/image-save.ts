/**
 * `plyfs image save`: images as an archive for other tools.
 */

import { Command, Option } from 'commander';
import type { SaveFormat } from '../../../image/layout/save-image.js';
import { addStoreOptions, attempt, openStore, type StoreFlags } from '../../frame/store-command.js';
import { byteProgress } from '../../print/progress.js';

const DETAILS = `
The same images give the same bytes. An image that is given by its id is saved without a name. --platform takes another
of the images that a name stood for, where it is here: loaded with it, or pulled before.

Examples:
  plyfs image save -o app.tar app:1 debian:12
  plyfs image save --format docker-archive app:1 | docker load
  plyfs image save --platform linux/arm64 -o arm.tar app:1`;

interface SaveFlags extends StoreFlags {
  readonly output?: string;
  readonly format: SaveFormat;
  readonly platform?: string;
}

export function imageSaveCommand(name: 'save' | 'image save'): Command {
  const command = new Command('save')
    .description('write images to an archive')
    .argument('<image...>', 'names or ids')
    .option('-o, --output <file>', 'where to write (default: standard output)')
    .option('--platform <platform>', 'OS/ARCHITECTURE[/VARIANT] (default: that which is unpacked)')
    .addOption(
      new Option('--format <format>', 'the form of the archive')
        .choices(['oci-archive', 'docker-archive'])
        .default('oci-archive'),
    );
  return addStoreOptions(command)
    .addHelpText('after', DETAILS)
    .action((images: string[], flags: SaveFlags) => attempt(name, flags, () => runSave(images, flags)));
}

async function runSave(images: readonly string[], flags: SaveFlags): Promise<void> {
  const { saveImages } = await import('../../../image/layout/save-image.js');
  const { writeOutput } = await import('../../../archive/streams/output-file.js');
  const { parsePlatform } = await import('../../../image/oci/platform.js');
  const platform = flags.platform === undefined ? undefined : parsePlatform(flags.platform);
  const chunks = saveImages(await openStore(flags), images, flags.format, platform);
  using progress = byteProgress('writing');
  await writeOutput(flags.output, chunks, progress.add);
  progress.end();
}
