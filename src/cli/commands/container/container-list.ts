/**
 * `plyfs container ls`, also `plyfs ps`: which containers there are.
 */

import { Command } from 'commander';
import type { ContainerSizes } from '../../../container/tree/sizes.js';
import type { Ancestor, ListedContainer } from '../../../container/view/list-containers.js';
import type { ContainerRecord } from '../../../store/container-record.js';
import type { StoreView } from '../../../store/store-view.js';
import {
  addListOptions,
  formatList,
  type ListFlags,
  type ListShape,
  matchesLabels,
  parseFilters,
} from '../../frame/list-options.js';
import { attempt, openStoreView, ROOT_FLAG, ROOT_TEXT } from '../../frame/store-command.js';
import { keyLines, keyValues, type Row } from '../../print/format-table.js';
import { printShown } from '../../print/output.js';
import { humanSize } from '../../print/progress.js';
import { quoted, textOf } from '../../print/template/go-literals.js';
import { ROW_LABELS } from '../../print/template/template.js';

const FILTERS = [
  'id',
  'name',
  'status',
  'ancestor',
  'label',
  'volume',
  'exited',
  'health',
  'network',
  'expose',
  'publish',
  'is-task',
  'isolation',
  'before',
  'since',
];

const SHAPE: ListShape = {
  keys: [
    'ID',
    'Names',
    'Image',
    'ImageID',
    'Command',
    'CreatedAt',
    'RunningFor',
    'State',
    'Status',
    'ExitCode',
    'Pid',
    'Labels',
    'Mounts',
    'LocalVolumes',
    'Networks',
    'Ports',
    'Size',
    'MountPoint',
  ],
  columns: [
    { title: 'CONTAINER ID', key: 'ID' },
    { title: 'IMAGE', key: 'Image' },
    { title: 'COMMAND', key: 'Command' },
    { title: 'CREATED', key: 'RunningFor' },
    { title: 'STATUS', key: 'Status' },
    { title: 'PORTS', key: 'Ports' },
    { title: 'NAMES', key: 'Names' },
  ],
  quietKey: 'ID',
};

const SIZE_COLUMN = { title: 'SIZE', key: 'Size' };

const DETAILS = `
Without -a only those that run: mounted, with a command or without. SIZE is that of what the container has changed, and in
brackets that of its image with it; it is looked for with -s, and where a template names it.

Filters: id=, name=, status=created|running|exited|dead, ancestor=IMAGE, label=KEY[=VALUE], volume=NAME|TARGET,
exited=STATUS, health=starting|healthy|unhealthy|none, network=host|none, expose=PORT[/PROTOCOL], before=CONTAINER,
since=CONTAINER; publish=, is-task= and isolation= are Docker's, whose answers do not depend on the container here.
Keys of --format json and of a template (also {{.Label "key"}}; 'table TEMPLATE' adds titles):
${keyLines(SHAPE.keys)}

Examples:
  plyfs ps -a
  plyfs ps -aq --filter status=exited
  plyfs ps --format '{{.Names}}\\t{{.MountPoint}}'`;

interface Flags extends ListFlags {
  readonly root?: string;
  readonly all?: boolean;
  readonly last?: string;
  readonly latest?: boolean;
  readonly size?: boolean;
}

/** `name`: `ls`, or `ps` where it is a shortcut. */
export function listCommand(name: 'ls' | 'ps'): Command {
  const command = new Command(name)
    .description('list containers')
    .option('-a, --all', 'also those that do not run')
    .option('-n, --last <count>', 'the last so many, whatever they do')
    .option('-l, --latest', 'the last one')
    .option('-s, --size', 'how much each has changed')
    .option('--no-trunc', 'show whole ids and commands')
    .option(ROOT_FLAG, ROOT_TEXT);
  if (name === 'ls') command.alias('list').alias('ps');
  const shown = name === 'ls' ? 'container ls' : 'ps';
  return addListOptions(command, 'only ids', FILTERS)
    .addHelpText('after', DETAILS)
    .action((flags: Flags) => attempt(shown, pick(flags), () => runList(flags)));
}

function pick({ root, debug }: Flags) {
  return { ...(root === undefined ? {} : { root }), ...(debug === undefined ? {} : { debug }) };
}

async function runList(flags: Flags): Promise<void> {
  const { listedContainers } = await import('../../../container/view/list-containers.js');
  const filters = parseFilters(flags.filter, FILTERS);
  const labels = filters.get('label');
  const store = await openStoreView(pick(flags));
  const listed = listedContainers(store, {
    all: flags.all === true,
    last: flags.latest ? 1 : await countOf(flags.last),
    filter: {
      ids: filters.get('id'),
      names: filters.get('name'),
      statuses: filters.get('status'),
      ancestors: await ancestorsOf(store, filters.get('ancestor')),
      volumes: filters.get('volume'),
      exitCodes: filters.get('exited'),
      health: filters.get('health'),
      networks: filters.get('network'),
      exposed: filters.get('expose'),
      published: filters.get('publish'),
      isTask: filters.get('is-task'),
      before: filters.get('before')?.at(-1),
      since: filters.get('since')?.at(-1),
      hasLabels: labels === undefined ? undefined : (own) => matchesLabels(own, labels),
    },
  });
  const isMeasured = flags.size === true || /\{\{.*\.Size\b/s.test(flags.format);
  const sizeOf = isMeasured ? await measureOf(store) : undefined;
  const rows = listed.map((one) => ({
    ...containerRow(one),
    Size: sizeOf === undefined ? '' : sizeText(sizeOf(one.record)),
  }));
  const shown = flags.trunc === false ? rows : rows.map(shortenedContainer);
  const isJson = flags.format === 'json';
  const columns = flags.size ? [...SHAPE.columns, SIZE_COLUMN] : SHAPE.columns;
  printShown(formatList(isJson ? rows : shown, flags, { ...SHAPE, columns }, shown));
}

/** It brings the union with it, which is half of what else there is to load. */
async function measureOf({ root }: StoreView): Promise<(record: ContainerRecord) => ContainerSizes> {
  const { containerSizes } = await import('../../../container/tree/sizes.js');
  const { Store } = await import('../../../store/store.js');
  const store = new Store(root);
  return (record) => containerSizes(store, record);
}

/** What reads images is loaded for who asks for one. */
async function ancestorsOf(
  store: StoreView,
  texts: readonly string[] | undefined,
): Promise<readonly Ancestor[] | undefined> {
  if (texts === undefined) return undefined;
  const { findImage } = await import('../../../image/catalog/image-index.js');
  return texts.map((text) => ({ text, image: findImage(store, text) }));
}

async function countOf(text: string | undefined): Promise<number | undefined> {
  if (text === undefined || text === '-1' || text === '0') return undefined;
  const { UserError } = await import('../../../errno/user-error.js');
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new UserError(`invalid count '${text}' for -n`, { hint: 'a number' });
}

function sizeText({ changed, whole }: ContainerSizes): string {
  return `${humanSize(changed)} (virtual ${humanSize(whole)})`;
}

/** All keys of a row but `Size`. */
export function containerRow({ record, status, statusText, age, mountPoint }: ListedContainer): Row {
  const { entrypoint, command } = record.process;
  const volumes = record.mounts.filter(({ request }) => request.type === 'volume');
  return {
    ID: record.id,
    Names: record.name,
    Image: record.image.name,
    ImageID: record.image.id,
    Command: quoted(commandText([...entrypoint, ...command])),
    CreatedAt: record.createdAt,
    RunningFor: age,
    State: status.status,
    Status: statusText,
    ExitCode: status.state?.exitCode ?? 0,
    Pid: status.pid ?? 0,
    Labels: keyValues(record.labels),
    [ROW_LABELS]: record.labels,
    Mounts: record.mounts.flatMap(({ request }) => request.source ?? []).join(','),
    LocalVolumes: String(volumes.length),
    Networks: record.network ?? 'host',
    Ports: '',
    MountPoint: mountPoint,
  };
}

/** Docker's: arguments with a blank in quotes, the program never. */
function commandText([program = '', ...args]: readonly string[]): string {
  return [program, ...args.map((arg) => (arg.includes(' ') ? `'${arg}'` : arg))].join(' ');
}

const SHORT_ID = 12;
const SHORT_COMMAND = 20;
const SHORT_MOUNT = 15;

export function shortenedContainer(row: Row): Row {
  const quotedCommand = String(row.Command);
  const command = textOf(quotedCommand) ?? quotedCommand;
  return {
    ...row,
    ID: String(row.ID).slice(0, SHORT_ID),
    Command:
      command.length > SHORT_COMMAND ? quoted(`${command.slice(0, SHORT_COMMAND - 1)}…`) : quotedCommand,
    Mounts: String(row.Mounts)
      .split(',')
      .map((text) => (text.length > SHORT_MOUNT ? `${text.slice(0, SHORT_MOUNT - 1)}…` : text))
      .join(','),
  };
}
