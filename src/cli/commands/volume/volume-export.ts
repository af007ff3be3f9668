/**
 * `plyfs volume export`.
 */

import { Command } from 'commander';
import { addStoreOptions, attempt, openStore, type StoreFlags } from '../../frame/store-command.js';
import { say } from '../../print/output.js';
import { byteProgress } from '../../print/progress.js';

const DETAILS = `
Owners, modes, times, xattrs and hard links are in the tar; sockets are not. A file of -o is there whole or not at all.
Stop what writes in the volume first, when its files must fit together.

Examples:
  plyfs volume export data -o data.tar
  plyfs volume export data | zstd > data.tar.zst`;

interface ExportFlags extends StoreFlags {
  readonly output?: string;
}

export function volumeExportCommand(): Command {
  const command = new Command('export')
    .description('write a volume as a tar')
    .argument('<volume>')
    .option('-o, --output <file>', 'a file instead of standard output');
  return addStoreOptions(command)
    .addHelpText('after', DETAILS)
    .action((name: string, flags: ExportFlags) =>
      attempt('volume export', flags, async () => {
        const { exportVolume } = await import('../../../volume/export-volume.js');
        const { writeOutput } = await import('../../../archive/streams/output-file.js');
        const store = await openStore(flags);
        using exported = await exportVolume(store, name);
        using progress = byteProgress(`exporting ${name}`);
        await writeOutput(flags.output, exported.chunks, progress.add);
        progress.end();
        for (const [what, count] of exported.notices) {
          say(`plyfs volume export: ${what} are left out: ${count}`);
        }
      }),
    );
}
