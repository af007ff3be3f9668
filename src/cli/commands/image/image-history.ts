/**
 * `plyfs image history`: how an image came about.
 */

import { Command } from 'commander';
import { addListOptions, formatList, type ListFlags, type ListShape } from '../../frame/list-options.js';
import { attempt, openStore } from '../../frame/store-command.js';
import type { Row } from '../../print/format-table.js';
import { printShown } from '../../print/output.js';
import { humanAge, humanSize } from '../../print/progress.js';

const SHAPE: ListShape = {
  keys: ['ID', 'Layer', 'CreatedAt', 'CreatedSince', 'CreatedBy', 'Size', 'SizeBytes', 'Comment'],
  columns: [
    { title: 'IMAGE', key: 'ID' },
    { title: 'CREATED', key: 'CreatedSince' },
    { title: 'CREATED BY', key: 'CreatedBy' },
    { title: 'SIZE', key: 'Size' },
    { title: 'COMMENT', key: 'Comment' },
  ],
  quietKey: 'ID',
};

const DETAILS = `
Newest first. The first line has the image's id; those before it are of no image here. Layer is the directory in the store
that the line made; lines that changed only the configuration have none.

Keys of --format json and of a template: ${SHAPE.keys.join(', ')}.

Examples:
  plyfs image history debian:12
  plyfs image history --no-trunc --format '{{.CreatedBy}}' app`;

interface Flags extends ListFlags {
  readonly root?: string;
  readonly human: string;
  readonly platform?: string;
}

export function imageHistoryCommand(name: 'history' | 'image history'): Command {
  const command = new Command('history')
    .description('show how an image came about')
    .argument('<image>', 'a name or an id')
    .option('--no-trunc', 'show whole lines')
    .option('-H, --human [bool]', "'false': sizes in bytes and times as they are", 'true')
    .option(
      '--platform <platform>',
      'of an image for several platforms, the one for OS/ARCHITECTURE[/VARIANT]',
    )
    .option(
      '--root <dir>',
      'where images are kept (default: PLYFS_ROOT, else /var/lib/plyfs or ~/.local/share/plyfs)',
    );
  return addListOptions(command, 'only ids', [])
    .addHelpText('after', DETAILS)
    .action((image: string, flags: Flags) =>
      attempt(name, flags as { root?: string }, () => runHistory(image, flags)),
    );
}

const NONE = '<none>';
const MISSING = '<missing>';

async function runHistory(text: string, flags: Flags): Promise<void> {
  const { historyRows } = await import('../../../image/catalog/history-rows.js');
  const { imageFor } = await import('../../../image/catalog/index-blobs.js');
  const { parsePlatform } = await import('../../../image/oci/platform.js');
  const { resolveImage } = await import('../../../image/catalog/image-index.js');
  const store = await openStore(flags.root === undefined ? {} : { root: flags.root });
  const found = resolveImage(store, text);
  const image =
    flags.platform === undefined ? found : imageFor(store, found, parsePlatform(flags.platform), text);
  const isHuman = flags.human !== 'false';
  const rows = historyRows(store, image).map(
    (row, index): Row => ({
      ID: index === 0 ? image.id : MISSING,
      Layer: row.layer ?? NONE,
      CreatedAt: row.created,
      CreatedSince: isHuman ? humanAge(row.created) : row.created,
      CreatedBy: row.createdBy,
      Size: isHuman ? humanSize(row.sizeBytes) : String(row.sizeBytes),
      SizeBytes: row.sizeBytes,
      Comment: row.comment,
    }),
  );
  const isWhole = flags.trunc === false || flags.format === 'json';
  const shown = isWhole ? rows : rows.map(shortened);
  printShown(formatList(shown, flags, SHAPE));
}

const SHORT_ID = 12;
const SHORT_COMMAND = 45;

function shortened(row: Row): Row {
  const command = String(row.CreatedBy);
  return {
    ...row,
    ID:
      row.ID === MISSING
        ? MISSING
        : String(row.ID)
            .replace(/^sha256:/, '')
            .slice(0, SHORT_ID),
    Layer: row.Layer === NONE ? NONE : String(row.Layer).slice(0, SHORT_ID),
    CreatedBy: command.length > SHORT_COMMAND ? `${command.slice(0, SHORT_COMMAND - 1)}…` : command,
  };
}
