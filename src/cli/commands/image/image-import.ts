/**
 * `plyfs image import`: a root tar becomes an image.
 */

import { basename } from 'node:path';
import { Command } from 'commander';
import { collectValues } from '../../frame/common-options.js';
import { addStoreOptions, attempt, openStore, type StoreFlags } from '../../frame/store-command.js';
import { print, say } from '../../print/output.js';
import { byteProgress } from '../../print/progress.js';

const DETAILS = `
The tar holds a root directory; it may be plain or compressed with gzip or zstd, or with xz or bzip2, whose programs then
have to be there, and which become gzip. The image's id is printed.
Instructions for --change: CMD, ENTRYPOINT, ENV, WORKDIR, USER, VOLUME, LABEL, EXPOSE, STOPSIGNAL.

Without root everything belongs to you, capabilities are left out, and devices are refused unless --skip-devices.
PLYFS_LAYER_BYTES and PLYFS_LAYER_ENTRIES limit what a tar may unpack to (100 GiB and 5 million by default).
SOURCE_DATE_EPOCH, where it is set, is the image's date: the same tar then gives the same image.

Examples:
  plyfs image import rootfs.tar.gz debian:12
  debootstrap --variant=minbase stable root && tar -C root -c . | plyfs image import - debian
  plyfs image import -c 'CMD ["/bin/bash"]' -c 'ENV LANG=C.UTF-8' -c 'VOLUME /data' rootfs.tar app`;

interface ImportFlags extends StoreFlags {
  readonly change?: readonly string[];
  readonly message?: string;
  readonly platform?: string;
  readonly skipDevices?: boolean;
}

export function imageImportCommand(name: 'import' | 'image import'): Command {
  const command = new Command('import')
    .description('make an image of a tar of a root directory')
    .argument('<file>', "a tar; '-' is standard input")
    .argument('[name]', 'NAME[:TAG]')
    .option(
      '-c, --change <instruction>',
      'an instruction of a Dockerfile to apply (repeatable)',
      collectValues,
    )
    .option('-m, --message <text>', "the history's comment")
    .option('--platform <platform>', 'OS/ARCHITECTURE[/VARIANT] that it is for (default: this host)')
    .option('--skip-devices', 'leave out devices that cannot be made');
  return addStoreOptions(command)
    .addHelpText('after', DETAILS)
    .action((file: string, image: string | undefined, flags: ImportFlags) =>
      attempt(name, flags, () => runImport(name, [file, image], flags)),
    );
}

async function runImport(
  command: string,
  [file, name]: readonly [file: string, name: string | undefined],
  flags: ImportFlags,
): Promise<void> {
  const { formatReference, parseImageName } = await import('../../../image/oci/reference.js');
  const { parsePlatform } = await import('../../../image/oci/platform.js');
  const { applyChanges } = await import('../../../image/add/changes.js');
  const { importImage } = await import('../../../image/add/import-image.js');
  const { openInput } = await import('../../../archive/streams/input.js');
  const { noticeLines } = await import('../../../image/layer/notice-lines.js');
  const reference = name === undefined ? undefined : formatReference(parseImageName(name));
  const config = applyChanges({}, flags.change ?? []);
  const store = await openStore(flags);
  using progress = byteProgress(file === '-' ? 'unpacking' : `unpacking ${basename(file)}`);
  const { id, notices } = await importImage(store, openInput(file), {
    name: reference,
    config,
    platform: flags.platform === undefined ? undefined : parsePlatform(flags.platform),
    comment: flags.message ?? `Imported from ${file}`,
    skipDevices: flags.skipDevices === true,
    onBytes: progress.add,
  });
  progress.end();
  for (const line of noticeLines(notices)) say(`plyfs ${command}: ${line}`);
  print(id);
}
