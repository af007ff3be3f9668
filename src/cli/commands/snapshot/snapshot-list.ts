/**
 * `plyfs snapshot ls`.
 */

import { Command } from 'commander';
import { addListOptions, formatList, type ListFlags, type ListShape } from '../../frame/list-options.js';
import { attempt, ROOT_FLAG, ROOT_TEXT, type StoreFlags } from '../../frame/store-command.js';
import { keyLines } from '../../print/format-table.js';
import { printShown } from '../../print/output.js';
import { openTarget, TARGET_TEXT } from './open-target.js';

const SHAPE: ListShape = {
  keys: ['Name', 'CreatedAt', 'CreatedSince', 'Layers', 'Current'],
  columns: [
    { title: 'SNAPSHOT', key: 'Name' },
    { title: 'CREATED', key: 'CreatedSince' },
    { title: 'LAYERS', key: 'Layers' },
  ],
  quietKey: 'Name',
};

const DETAILS = `
LAYERS are those that the state of a container has on top of the image. Current is the state that it last came from or went to; of
volumes and drafts neither is known.
Keys of --format json and of a template:
${keyLines(SHAPE.keys)}.

Examples:
  plyfs snapshot ls web
  plyfs snapshot ls -q web`;

export function snapshotListCommand(): Command {
  const command = new Command('ls')
    .alias('list')
    .description('list the snapshots of a container, volume, draft or mount, the oldest first')
    .argument('<target>', TARGET_TEXT)
    .option(ROOT_FLAG, ROOT_TEXT);
  return addListOptions(command, 'names only', [])
    .addHelpText('after', DETAILS)
    .action((text: string, flags: ListFlags & StoreFlags) =>
      attempt('snapshot ls', flags, async () => {
        const target = await openTarget(text, flags);
        const { sinceText } = await import('../../../container/view/status-text.js');
        const rows = target.list().map(({ name, createdAt, layers, isCurrent }) => ({
          Name: name,
          CreatedAt: createdAt,
          CreatedSince: `${sinceText(createdAt, Date.now())} ago`,
          Layers: layers ?? '',
          Current: isCurrent ?? '',
        }));
        printShown(formatList(rows, flags, SHAPE));
      }),
    );
}
