/**
 * `plyfs snapshot export`.
 */

import { Command } from 'commander';
import { addStoreOptions, attempt, type StoreFlags } from '../../frame/store-command.js';
import { say } from '../../print/output.js';
import { openOneContainer } from './open-target.js';

const DETAILS = `
An OCI archive, as of 'plyfs image save': the layers of the container's image, and one for each state on the way to the snapshot.
skopeo, umoci, podman and 'plyfs image load' take it.

Examples:
  plyfs snapshot export -o web.tar web before-upgrade
  plyfs snapshot export web before-upgrade | plyfs image load`;

interface ExportFlags extends StoreFlags {
  readonly output?: string;
}

export function snapshotExportCommand(): Command {
  const command = new Command('export')
    .description('write a snapshot of a container as an OCI archive')
    .argument('<container>', 'name or id')
    .argument('<snapshot>')
    .option('-o, --output <file>', 'where to write (default: standard output)');
  return addStoreOptions(command)
    .addHelpText('after', DETAILS)
    .action((container: string, name: string, flags: ExportFlags) =>
      attempt('snapshot export', flags, async () => {
        const { store, record } = await openOneContainer(container, flags);
        const { exportSnapshot } = await import('../../../container/snapshot/export-snapshot.js');
        const { writeOutput } = await import('../../../archive/streams/output-file.js');
        const { noticeLines } = await import('../../../image/layer/notice-lines.js');
        const { byteProgress } = await import('../../print/progress.js');
        using exported = await exportSnapshot(store, record, name);
        using progress = byteProgress('writing');
        await writeOutput(flags.output, exported.chunks, progress.add);
        progress.end();
        for (const line of noticeLines(new Map(exported.notices))) say(`plyfs snapshot export: ${line}`);
      }),
    );
}
