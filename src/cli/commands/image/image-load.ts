/**
 * `plyfs image load`: images from archives that other tools wrote.
 */

import { Command } from 'commander';
import { addStoreOptions, attempt, openStore, type StoreFlags } from '../../frame/store-command.js';
import { print, say } from '../../print/output.js';
import { byteProgress } from '../../print/progress.js';

const DETAILS = `
Reads OCI image layouts (directories, tars) and what 'docker save' writes or wrote before docker 1.10, plain or compressed
with gzip or zstd, or xz or bzip2 where their programs are there.
Of images for several platforms, that of this host is taken, or of --platform.

Examples:
  plyfs image load -i debian.tar
  docker save app | plyfs image load
  skopeo copy docker-daemon:app:1 oci:layout:app:1 && plyfs image load -i layout`;

interface LoadFlags extends StoreFlags {
  readonly input: string;
  readonly platform?: string;
  readonly quiet?: boolean;
  readonly skipDevices?: boolean;
}

export function imageLoadCommand(name: 'load' | 'image load'): Command {
  const command = new Command('load')
    .description('add images from an archive or a layout')
    .option('-i, --input <file>', "a tar or an OCI layout directory; '-' is standard input", '-')
    .option('--platform <platform>', 'OS/ARCHITECTURE[/VARIANT], where the archive has several')
    .option('-q, --quiet', 'no progress')
    .option('--skip-devices', 'leave out devices that cannot be made');
  return addStoreOptions(command)
    .addHelpText('after', DETAILS)
    .allowExcessArguments()
    .action((flags: LoadFlags, own: Command) => {
      if (own.args.length > 0)
        own.error(
          `too many arguments: '${own.args.join(' ')}'\n(Did you mean plyfs ${name} -i ${own.args[0]}?)`,
        );
      return attempt(name, flags, () => runLoad(name, flags));
    });
}

async function runLoad(command: string, flags: LoadFlags): Promise<void> {
  const { loadImages } = await import('../../../image/add/load-image.js');
  const { parsePlatform } = await import('../../../image/oci/platform.js');
  const { noticeLines } = await import('../../../image/layer/notice-lines.js');
  const platform = flags.platform === undefined ? undefined : parsePlatform(flags.platform);
  const store = await openStore(flags);
  using progress = byteProgress('unpacking');
  const { images, notices, wrongNames } = await loadImages(store, flags.input, {
    platform,
    skipDevices: flags.skipDevices === true,
    onBytes: flags.quiet ? undefined : progress.add,
  });
  progress.end();
  for (const line of noticeLines(notices)) say(`plyfs ${command}: ${line}`);
  for (const name of wrongNames) {
    say(`plyfs image load: the name ${JSON.stringify(name)} was left out: no image can have it`);
  }
  for (const { id, names } of images) {
    if (names.length === 0) print(`Loaded image ID: ${id}`);
    for (const name of names) print(`Loaded image: ${name}`);
  }
}
