/**
 * `plyfs image waste`: the bytes of an image that nobody sees or that it has twice, with an exit status for CI.
 */

import { Command } from 'commander';
import { UserError } from '../../../errno/user-error.js';
import type { Waste, WastedFile } from '../../../image/contents/wasted-bytes.js';
import { displayName } from '../../../vfs/name.js';
import { addListOptions, formatList, type ListFlags, type ListShape } from '../../frame/list-options.js';
import { attempt, openStore, ROOT_FLAG, ROOT_TEXT } from '../../frame/store-command.js';
import type { Row } from '../../print/format-table.js';
import { print, printShown, say } from '../../print/output.js';
import { humanSize } from '../../print/progress.js';

const SHAPE: ListShape = {
  keys: ['Kind', 'Size', 'SizeBytes', 'Layer', 'LayerID', 'By', 'ByID', 'CreatedBy', 'Path', 'SameAs'],
  columns: [
    { title: 'KIND', key: 'Kind' },
    { title: 'SIZE', key: 'Size' },
    { title: 'LAYER', key: 'Layer' },
    { title: 'BY', key: 'By' },
    { title: 'CREATED BY', key: 'CreatedBy' },
    { title: 'PATH', key: 'Path' },
  ],
  quietKey: 'Path',
};

const TABLE_ROWS = 20;
const SHORT_COMMAND = 45;

const DETAILS = `
  rewritten    a later layer has another file there; a chmod or chown in a RUN of its own does that too
  deleted      a later layer takes the file away, and its bytes stay in the image
  duplicated   a lower layer has the same bytes, there or elsewhere (files of 4 KiB and more)
Layer has the bytes in vain, By made them so, by the line of the history in CREATED BY; layers are counted from the bottom. The
table has the largest ${TABLE_ROWS} files, with --no-trunc all. Sizes are those of the files in the tars of the layers.

Keys of --format json and of a template: ${SHAPE.keys.join(', ')}.

Examples:
  plyfs image waste app
  plyfs image waste --max 10% app              ends with 1 when more than a tenth is wasted
  plyfs image waste --max 50m --format json app`;

interface WasteFlags extends ListFlags {
  readonly root?: string;
  readonly max?: string;
}

export function imageWasteCommand(): Command {
  const command = new Command('waste')
    .description('say which bytes of an image nobody sees, or are there twice')
    .argument('<image>', 'a name or an id')
    .option('--max <limit>', 'end with 1 when more is wasted: a share as 10%, or a size as 50m')
    .option('--no-trunc', 'show all files and whole lines')
    .option(ROOT_FLAG, ROOT_TEXT);
  return addListOptions(command, 'only paths', [])
    .addHelpText('after', DETAILS)
    .action((image: string, flags: WasteFlags) =>
      attempt('image waste', flags as { root?: string }, () => runWaste(image, flags)),
    );
}

async function runWaste(text: string, flags: WasteFlags): Promise<void> {
  const { resolveImage } = await import('../../../image/catalog/image-index.js');
  const { ImageLayers } = await import('../../../image/contents/image-layers.js');
  const { wastedBytes } = await import('../../../image/contents/wasted-bytes.js');
  const limit = flags.max === undefined ? undefined : await limitOf(flags.max);
  const store = await openStore(flags.root === undefined ? {} : { root: flags.root });
  using layers = new ImageLayers(store, resolveImage(store, text));
  const waste = wastedBytes(layers);
  const rows = waste.files.map(rowOf);
  const isTable = flags.format === 'table' && flags.quiet !== true;
  const isShort = isTable && flags.trunc !== false;
  printShown(formatList(rows, flags, SHAPE, isShort ? rows.slice(0, TABLE_ROWS).map(shortened) : rows));
  if (isTable) print(summary(waste, isShort ? Math.max(0, rows.length - TABLE_ROWS) : 0));
  if (limit === undefined || waste.wastedBytes <= limit.bytesOf(waste.totalBytes)) return;
  say(`plyfs image waste: ${share(waste)} of '${text}' is wasted, which is more than ${flags.max}`);
  process.exitCode = 1;
}

interface Limit {
  bytesOf(totalBytes: number): number;
}

async function limitOf(text: string): Promise<Limit> {
  const [, percent] = /^(\d+(?:\.\d+)?)%$/.exec(text) ?? [];
  if (percent !== undefined) return { bytesOf: (total) => (total * Number(percent)) / 100 };
  const { parseSize } = await import('../../../mounts/request/size.js');
  try {
    const bytes = parseSize(text);
    return { bytesOf: () => bytes };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`invalid --max '${text}'`, { hint: 'a share as 10%, or a size as 50m' });
  }
}

function share({ wastedBytes, totalBytes }: Waste): string {
  return totalBytes === 0 ? '0%' : `${((100 * wastedBytes) / totalBytes).toFixed(1)}%`;
}

function summary(waste: Waste, left: number): string {
  const { totalBytes, wastedBytes, bytesOf } = waste;
  const more = left > 0 ? `and ${left} smaller files\n` : '';
  const kinds = Object.entries(bytesOf).map(([kind, bytes]) => `${kind} ${humanSize(bytes)}`);
  return `${more}wasted ${humanSize(wastedBytes)} of ${humanSize(totalBytes)} (${share(waste)}): ${kinds.join(', ')}\n`;
}

function rowOf({ kind, sizeBytes, layer, causedBy, path, sameAs }: WastedFile): Row {
  return {
    Kind: kind,
    Size: humanSize(sizeBytes),
    SizeBytes: sizeBytes,
    Layer: layer.number,
    LayerID: layer.hex,
    By: causedBy.number,
    ByID: causedBy.hex,
    CreatedBy: causedBy.createdBy,
    Path: `/${displayName(path)}`,
    SameAs: sameAs === undefined ? '' : `/${displayName(sameAs.path)}`,
  };
}

function shortened(row: Row): Row {
  const command = String(row.CreatedBy).replace(/\s+/g, ' ');
  return {
    ...row,
    CreatedBy: command.length > SHORT_COMMAND ? `${command.slice(0, SHORT_COMMAND - 1)}…` : command,
  };
}
