/**
 * `plyfs image inspect`: all that is known of images.
 */

import { Command } from 'commander';
import { formatTemplate, type Row } from '../../format.js';
import { print } from '../../output.js';
import { addImageOptions, attempt, type ImageFlags, openStore } from './shared.js';

const DETAILS = `
Examples:
  plyfs image inspect debian:12
  plyfs image inspect --format '{{json .Config}}' app | jq .Env`;

interface InspectFlags extends ImageFlags {
  readonly format?: string;
}

export function imageInspectCommand(): Command {
  const command = new Command('inspect')
    .description('show all that is known of images, as JSON')
    .argument('<image...>', 'names or ids')
    .option('-f, --format <template>', "a template as '{{json .Config}}' (default: all as JSON)");
  return addImageOptions(command)
    .addHelpText('after', DETAILS)
    .action((images: string[], flags: InspectFlags) => runInspect(images, flags));
}

/** What was found is printed, also when something was not. */
async function runInspect(images: readonly string[], flags: InspectFlags): Promise<void> {
  const { inspectImage } = await import('../../../image/inspect-image.js');
  const { resolveImage } = await import('../../../image/image-index.js');
  const store = await openStore(flags);
  const found: Row[] = [];
  for (const text of images) {
    await attempt('image inspect', flags, () => {
      found.push(inspectImage(store, resolveImage(store, text)) as unknown as Row);
    });
  }
  await attempt('image inspect', flags, () => {
    if (flags.format === undefined || flags.format === 'json') print(`${JSON.stringify(found, null, 2)}\n`);
    else print(formatTemplate(found, flags.format, Object.keys(found[0] ?? { Id: '' })));
  });
}
