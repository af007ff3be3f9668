/**
 * `plyfs image ls`, also `plyfs images`: which images the store has.
 */

import { Command } from 'commander';
import { refuseDockerOptions } from '../../frame/docker-options.js';
import { addListOptions, formatList, type ListFlags, type ListShape } from '../../frame/list-options.js';
import { attempt, openStore } from '../../frame/store-command.js';
import { keyLines, type Row } from '../../print/format-table.js';
import { printShown } from '../../print/output.js';
import { humanAge, humanSize } from '../../print/progress.js';

const FILTERS = ['dangling', 'label', 'reference', 'before', 'since'];

const SHAPE: ListShape = {
  keys: [
    'Repository',
    'Tag',
    'Digest',
    'ID',
    'CreatedAt',
    'CreatedSince',
    'Size',
    'SizeBytes',
    'Containers',
    'SharedSize',
    'UniqueSize',
    'VirtualSize',
  ],
  columns: [
    { title: 'REPOSITORY', key: 'Repository' },
    { title: 'TAG', key: 'Tag' },
    { title: 'IMAGE ID', key: 'ID' },
    { title: 'CREATED', key: 'CreatedSince' },
    { title: 'SIZE', key: 'Size' },
  ],
  quietKey: 'ID',
};
const DIGEST_COLUMN = { title: 'DIGEST', key: 'Digest' };

const DETAILS = `
SIZE is that of the files in all layers of the image; layers that images share are stored once.

Filters: dangling=true|false, label=KEY[=VALUE], reference=PATTERN ('*' is anything but a slash),
before=IMAGE, since=IMAGE.

Keys of --format json and of a template:
${keyLines(SHAPE.keys)}.

Examples:
  plyfs image ls --filter dangling=true -q
  plyfs image ls --format '{{.Repository}}:{{.Tag}} {{.Size}}'
  plyfs image ls --format json debian`;

interface Flags extends ListFlags {
  readonly root?: string;
  readonly all?: boolean;
  readonly digests?: boolean;
}

/** `name`: `ls`, or `images` where it is a shortcut. */
export function imageListCommand(name: 'ls' | 'images'): Command {
  const command = new Command(name)
    .aliases(name === 'ls' ? ['list'] : [])
    .description('list images')
    .argument('[name]', 'NAME[:TAG], only images of that name')
    .option('-a, --all', 'also what builds keep for their cache')
    .option('--digests', 'show the digests of manifests')
    .option('--no-trunc', 'show whole ids')
    .option(
      '--root <dir>',
      'where images are kept (default: PLYFS_ROOT, else /var/lib/plyfs or ~/.local/share/plyfs)',
    );
  refuseDockerOptions(command, { '--tree': 'of an image for several platforms one is kept' });
  const shown = name === 'ls' ? 'image ls' : 'images';
  return addListOptions(command, 'only ids', FILTERS)
    .addHelpText('after', DETAILS)
    .action((wanted: string | undefined, flags: Flags) =>
      attempt(shown, flags as { root?: string }, () => runList(wanted, flags)),
    );
}

async function runList(wanted: string | undefined, flags: Flags): Promise<void> {
  const { listRows } = await import('../../../image/catalog/list-rows.js');
  const { parseFilters } = await import('../../frame/list-options.js');
  const store = await openStore(flags.root === undefined ? {} : { root: flags.root });
  const filters = parseFilters(flags.filter, FILTERS);
  const rows = listRows(store, filters, { wanted, all: flags.all === true }).map(
    (row): Row => ({
      Repository: row.repository,
      Tag: row.tag,
      Digest: row.digest,
      ID: row.id,
      CreatedAt: row.created,
      CreatedSince: humanAge(row.created),
      Size: humanSize(row.sizeBytes),
      SizeBytes: row.sizeBytes,
      Containers: row.containers,
      // 'system df -v' works them out.
      SharedSize: 'N/A',
      UniqueSize: 'N/A',
      VirtualSize: humanSize(row.sizeBytes),
    }),
  );
  const isWhole = flags.trunc === false;
  const shown = isWhole ? rows : rows.map((row) => ({ ...row, ID: shortId(String(row.ID)) }));
  const quiet = flags.quiet ? uniqueBy(shown, 'ID') : shown;
  const columns = flags.digests
    ? [...SHAPE.columns.slice(0, 2), DIGEST_COLUMN, ...SHAPE.columns.slice(2)]
    : SHAPE.columns;
  const isJson = flags.format === 'json';
  printShown(formatList(isJson ? rows : shown, flags, { ...SHAPE, columns }, quiet));
}

function shortId(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 12);
}

function uniqueBy(rows: readonly Row[], key: string): Row[] {
  return [...new Map(rows.map((row) => [row[key], row])).values()];
}
