/**
 * `plyfs image copy`: an image from one registry to another.
 */

import { Command } from 'commander';
import { DEBUG_FLAG } from '../../frame/common-options.js';
import { attempt } from '../../frame/store-command.js';
import { print } from '../../print/output.js';
import { byteProgress } from '../../print/progress.js';

const DETAILS = `
What SOURCE leads to in its registry becomes TARGET in the other, or the same: an image for several platforms with all of
them, its digest unchanged. Nothing is unpacked or kept here, and what the target has is not sent again. The digest is
printed. 'plyfs image push' sends an image of the store.

Examples:
  plyfs image copy debian:12 localhost:5000/debian:12
  plyfs image copy --platform linux/arm64 registry.example/app:1 localhost:5000/app:arm
  plyfs image copy localhost:5000/app:rc3 localhost:5000/app:1.0`;

interface CopyFlags {
  readonly platform?: string;
  readonly insecure?: boolean;
  readonly quiet?: boolean;
  readonly debug?: boolean;
}

export function imageCopyCommand(): Command {
  return new Command('copy')
    .description('copy an image from one registry to another')
    .argument('<source>', '[HOST[:PORT]/]PATH[:TAG][@DIGEST]')
    .argument('<target>', '[HOST[:PORT]/]PATH[:TAG]')
    .option('--platform <platform>', 'only the image for OS/ARCHITECTURE[/VARIANT]')
    .option('--insecure', 'plain http, or a certificate that cannot be verified, will do')
    .option('-q, --quiet', 'no progress')
    .option(DEBUG_FLAG, 'stack traces with errors')
    .addHelpText('after', DETAILS)
    .action((source: string, target: string, flags: CopyFlags) =>
      attempt('image copy', { debug: flags.debug === true }, () => runCopy(source, target, flags)),
    );
}

async function runCopy(source: string, target: string, flags: CopyFlags): Promise<void> {
  const { parseReference } = await import('../../../image/oci/reference.js');
  const { parsePlatform } = await import('../../../image/oci/platform.js');
  const { copyImage } = await import('../../../image/registry/copy-image.js');
  const [from, to] = [parseReference(source), parseReference(target)];
  using progress = byteProgress(`copying ${source}`);
  const { digest } = await copyImage(from, to, {
    platform: flags.platform === undefined ? undefined : parsePlatform(flags.platform),
    insecure: flags.insecure === true,
    ...(flags.quiet ? {} : { onBytes: progress.add, onTotal: progress.total }),
  });
  progress.end();
  print(digest);
}
