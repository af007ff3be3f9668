/**
 * `plyfs volume import`.
 */

import { Command } from 'commander';
import { collectValues } from '../../frame/common-options.js';
import { parseKeyValues } from '../../frame/key-values.js';
import { addStoreOptions, attempt, openStore, type StoreFlags } from '../../frame/store-command.js';
import { print, say } from '../../print/output.js';
import { byteProgress } from '../../print/progress.js';

const DETAILS = `
The tar may be plain or compressed with gzip or zstd. A new volume appears when all of it is unpacked; an existing one
must be empty, and is empty again when the tar is not good. Names that are absolute or lead out are refused.
For a volume with options, 'plyfs volume create' it first.

Examples:
  plyfs volume import copy data.tar
  ssh other plyfs volume export data | plyfs volume import data`;

interface ImportFlags extends StoreFlags {
  readonly label?: readonly string[];
  readonly skipDevices?: boolean;
}

export function volumeImportCommand(): Command {
  const command = new Command('import')
    .description('unpack a tar into a new or empty volume')
    .argument('<volume>')
    .argument('[file]', "a tar; none or '-': standard input", '-')
    .option('--label <key=value>', 'of a new volume (repeatable)', collectValues)
    .option('--skip-devices', 'leave out devices that cannot be made');
  return addStoreOptions(command)
    .addHelpText('after', DETAILS)
    .action((name: string, file: string, flags: ImportFlags) =>
      attempt('volume import', flags, () => runImport(name, file, flags)),
    );
}

async function runImport(name: string, file: string, flags: ImportFlags): Promise<void> {
  const { UserError } = await import('../../../errno/user-error.js');
  const { importVolume } = await import('../../../volume/import-volume.js');
  const { openInput } = await import('../../../archive/streams/input.js');
  const { noticeLines } = await import('../../../image/layer/notice-lines.js');
  if (file === '-' && process.stdin.isTTY) {
    throw new UserError('a tar is not read from a terminal', { hint: 'give a file, or use a pipe' });
  }
  const labels = parseKeyValues('label', flags.label);
  const store = await openStore(flags);
  using progress = byteProgress(`importing ${name}`);
  const notices = await importVolume(store, {
    name,
    labels,
    source: openInput(file),
    skipDevices: flags.skipDevices === true,
    onBytes: progress.add,
  });
  progress.end();
  for (const line of noticeLines(notices)) say(`plyfs volume import: ${line}`);
  print(name);
}
