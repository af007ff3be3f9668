/**
 * `plyfs image history`: how an image came about.
 */

import { Command } from 'commander';
import type { Row } from '../../format.js';
import { addListOptions, formatList, type ListFlags, type ListShape } from '../../list.js';
import { print } from '../../output.js';
import { humanAge, humanSize } from '../../progress.js';
import { attempt, openStore } from '../../store-command.js';

const SHAPE: ListShape = {
  keys: ['Layer', 'CreatedAt', 'CreatedSince', 'CreatedBy', 'Size', 'SizeBytes', 'Comment'],
  columns: [
    { title: 'LAYER', key: 'Layer' },
    { title: 'CREATED', key: 'CreatedSince' },
    { title: 'CREATED BY', key: 'CreatedBy' },
    { title: 'SIZE', key: 'Size' },
    { title: 'COMMENT', key: 'Comment' },
  ],
  quietKey: 'Layer',
};

const DETAILS = `
Newest first. LAYER is the directory in the store that the line made; lines that changed only the configuration have none.

Keys of --format json and of a template: ${SHAPE.keys.join(', ')}.

Examples:
  plyfs image history debian:12
  plyfs image history --no-trunc --format '{{.CreatedBy}}' app`;

interface Flags extends ListFlags {
  readonly root?: string;
}

export function imageHistoryCommand(name: 'history' | 'image history'): Command {
  const command = new Command('history')
    .description('show how an image came about')
    .argument('<image>', 'a name or an id')
    .option('--no-trunc', 'show whole lines')
    .option('--root <dir>', 'where images are kept (default: /var/lib/plyfs, or ~/.local/share/plyfs)');
  return addListOptions(command, 'only layers', [])
    .addHelpText('after', DETAILS)
    .action((image: string, flags: Flags) =>
      attempt(name, flags as { root?: string }, () => runHistory(image, flags)),
    );
}

const NONE = '<none>';

async function runHistory(text: string, flags: Flags): Promise<void> {
  const { historyRows } = await import('../../../image/history-rows.js');
  const { resolveImage } = await import('../../../image/image-index.js');
  const store = await openStore(flags.root === undefined ? {} : { root: flags.root });
  const rows = historyRows(store, resolveImage(store, text)).map(
    (row): Row => ({
      Layer: row.layer ?? NONE,
      CreatedAt: row.created,
      CreatedSince: humanAge(row.created),
      CreatedBy: row.createdBy,
      Size: humanSize(row.sizeBytes),
      SizeBytes: row.sizeBytes,
      Comment: row.comment,
    }),
  );
  const isWhole = flags.trunc === false || flags.format === 'json';
  const shown = isWhole ? rows : rows.map(shortened);
  print(formatList(shown, flags, SHAPE));
}

const SHORT_ID = 12;
const SHORT_COMMAND = 45;

function shortened(row: Row): Row {
  const command = String(row.CreatedBy);
  return {
    ...row,
    Layer: row.Layer === NONE ? NONE : String(row.Layer).slice(0, SHORT_ID),
    CreatedBy: command.length > SHORT_COMMAND ? `${command.slice(0, SHORT_COMMAND - 1)}…` : command,
  };
}
