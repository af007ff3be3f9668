/**
 * `plyfs system df`: what the store takes on disk.
 */

import { Command } from 'commander';
import { type Column, formatJson, formatTable, formatTemplate, keyLines, type Row } from '../../format.js';
import { print } from '../../output.js';
import { humanAge, humanSize } from '../../progress.js';
import { addStoreOptions, attempt, openStore, type StoreFlags } from '../../store-command.js';
import type { DiskUsage, UsedThing } from '../../system/disk-usage.js';

const KEYS = [
  'Type',
  'TotalCount',
  'Active',
  'Size',
  'SizeBytes',
  'Reclaimable',
  'ReclaimableBytes',
  'Unmeasured',
  'MeasuredAt',
];
const COLUMNS: readonly Column[] = [
  { title: 'TYPE', key: 'Type' },
  { title: 'TOTAL', key: 'TotalCount' },
  { title: 'ACTIVE', key: 'Active' },
  { title: 'SIZE', key: 'Size' },
  { title: 'RECLAIMABLE', key: 'Reclaimable' },
  { title: 'MEASURED', key: 'Measured' },
];
const THING_COLUMNS: readonly Column[] = [
  { title: 'TYPE', key: 'Type' },
  { title: 'ID', key: 'ShortId' },
  { title: 'NAME', key: 'Name' },
  { title: 'ACTIVE', key: 'Active' },
  { title: 'SIZE', key: 'Size' },
  { title: 'UNIQUE', key: 'Unique' },
  { title: 'MEASURED', key: 'Measured' },
];
const THING_KEYS = ['Type', 'Id', 'Name', 'Active', 'Size', 'SizeBytes', 'UniqueBytes', 'MeasuredAt'];

const DETAILS = `
Sizes are those recorded: of layers when they were unpacked; of volumes and containers' own files when they were filled,
cloned, imported or last measured, which MEASURED tells. --measure walks them first (not storage that a volume mounts).
RECLAIMABLE is what prune commands would free.

Keys of --format json and of a template:
${keyLines(KEYS)}.
With -v: ${THING_KEYS.join(', ')}. SizeBytes is -1 where nobody has measured.

Examples:
  plyfs system df
  plyfs system df -v --measure
  plyfs system df --format '{{.Type}}\\t{{.SizeBytes}}'`;

interface DfFlags extends StoreFlags {
  readonly format: string;
  readonly verbose?: boolean;
  readonly measure?: boolean;
}

export function systemDfCommand(): Command {
  const command = new Command('df')
    .description('show what the store takes on disk')
    .option('-v, --verbose', 'each image, container and volume')
    .option('--measure', 'walk containers and volumes, and record what is in them')
    .option('--format <format>', "'table', 'json', a template, or 'table TEMPLATE'", 'table');
  return addStoreOptions(command)
    .addHelpText('after', DETAILS)
    .action((flags: DfFlags) => attempt('system df', flags, () => runDf(flags)));
}

async function runDf(flags: DfFlags): Promise<void> {
  const { diskUsage, measure } = await import('../../system/disk-usage.js');
  const store = await openStore(flags);
  if (flags.measure) measure(store);
  const usage = diskUsage(store);
  if (flags.verbose) {
    const rows = [...usage.images, ...usage.containers, ...usage.volumes].map(thingRow);
    print(shown(rows, flags.format, THING_KEYS, THING_COLUMNS));
  } else {
    print(shown(summaryRows(usage), flags.format, KEYS, COLUMNS));
  }
}

function shown(
  rows: readonly Row[],
  format: string,
  keys: readonly string[],
  columns: readonly Column[],
): string {
  if (format === 'table') return formatTable(rows, columns);
  const plain = rows.map((row) => Object.fromEntries(keys.map((key) => [key, row[key] ?? ''])));
  return format === 'json' ? formatJson(plain) : formatTemplate(plain, format, keys, columns);
}

function summaryRows({ images, layers, containers, volumes }: DiskUsage): Row[] {
  return [
    summary('Images', images, layers.bytes, layers.reclaimableBytes),
    summary('Containers', containers),
    summary('Local Volumes', volumes),
  ];
}

function summary(type: string, things: readonly UsedThing[], bytes?: number, reclaimable?: number): Row {
  const sum = (some: readonly UsedThing[]): number =>
    some.reduce((all, { usage }) => all + (usage?.bytes ?? 0), 0);
  const size = bytes ?? sum(things);
  const free = reclaimable ?? sum(things.filter(({ active }) => !active));
  const measured = things.flatMap(({ usage }) => usage ?? []).map(({ measuredAt }) => measuredAt);
  const oldest = bytes === undefined ? (measured.sort()[0] ?? '') : '';
  const unmeasured = things.length - measured.length;
  const share = size === 0 ? '' : ` (${Math.round((free / size) * 100)}%)`;
  return {
    Type: type,
    TotalCount: things.length,
    Active: things.filter(({ active }) => active).length,
    Size: humanSize(size),
    SizeBytes: size,
    Reclaimable: `${humanSize(free)}${share}`,
    ReclaimableBytes: free,
    Unmeasured: unmeasured,
    MeasuredAt: oldest,
    Measured: measuredText(bytes !== undefined, unmeasured, oldest),
  };
}

function measuredText(atImport: boolean, unmeasured: number, oldest: string): string {
  if (atImport) return 'when unpacked';
  const age = oldest === '' ? '' : humanAge(oldest);
  if (unmeasured === 0) return age;
  return [age, `${unmeasured} never`].filter((part) => part !== '').join(', ');
}

const SHORT_ID = 12;

function thingRow({ kind, id, name, active, usage, uniqueBytes }: UsedThing): Row {
  return {
    Type: kind,
    Id: id,
    ShortId: kind === 'volume' ? '' : id.replace(/^sha256:/, '').slice(0, SHORT_ID),
    Name: name === '' ? '<none>' : name,
    Active: active,
    Size: usage === undefined ? '?' : humanSize(usage.bytes),
    SizeBytes: usage?.bytes ?? -1,
    Unique: uniqueBytes === undefined ? '' : humanSize(uniqueBytes),
    UniqueBytes: uniqueBytes ?? usage?.bytes ?? -1,
    MeasuredAt: kind === 'image' ? '' : (usage?.measuredAt ?? ''),
    Measured: kind === 'image' ? 'when unpacked' : usage === undefined ? 'never' : humanAge(usage.measuredAt),
  };
}
