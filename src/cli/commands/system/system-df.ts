/**
 * `plyfs system df`: what the store takes on disk.
 */

import { Command } from 'commander';
import { addStoreOptions, attempt, openStore, type StoreFlags } from '../../frame/store-command.js';
import {
  type Column,
  formatJson,
  formatTable,
  formatTemplate,
  keyLines,
  type Row,
} from '../../print/format-table.js';
import { printShown } from '../../print/output.js';
import { humanAge, humanSize } from '../../print/progress.js';
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
/** The columns that `table TEMPLATE` may name. */
const THING_COLUMNS: readonly Column[] = [];
const THING_KEYS = ['Type', 'Id', 'Name', 'Active', 'Size', 'SizeBytes', 'UniqueBytes', 'MeasuredAt'];

const DETAILS = `
Sizes are those recorded: of layers when they were unpacked; of volumes and containers' own files when they were filled,
cloned, imported or last measured, which MEASURED tells. --measure walks them first (not storage that a volume mounts).
RECLAIMABLE is what prune commands would free.

Keys of --format json and of a template:
${keyLines(KEYS)}.
With -v tables for images, containers, volumes and the cache of builds, N/A where nobody has measured; keys then:
${THING_KEYS.join(', ')}. SizeBytes is -1 where nobody has measured.

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
  if (flags.verbose && flags.format === 'table') {
    const { diskSections } = await import('./disk-sections.js');
    printShown(diskSections(store, usage));
  } else if (flags.verbose) {
    const rows = [...usage.images, ...usage.containers, ...usage.volumes].map(thingRow);
    printShown(formatted(rows, flags.format, THING_KEYS, THING_COLUMNS));
  } else {
    printShown(formatted(summaryRows(usage), flags.format, KEYS, COLUMNS));
  }
}

function formatted(
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
    Measured: measuredText({ atImport: bytes !== undefined }, unmeasured, oldest),
  };
}

function measuredText(
  { atImport }: { readonly atImport: boolean },
  unmeasured: number,
  oldest: string,
): string {
  if (atImport) return 'when unpacked';
  const age = oldest === '' ? '' : humanAge(oldest);
  if (unmeasured === 0) return age;
  return [age, `${unmeasured} never`].filter((part) => part !== '').join(', ');
}

function thingRow({ kind, id, name, active, usage, uniqueBytes }: UsedThing): Row {
  return {
    Type: kind,
    Id: id,
    Name: name === '' ? '<none>' : name,
    Active: active,
    Size: usage === undefined ? '?' : humanSize(usage.bytes),
    SizeBytes: usage?.bytes ?? -1,
    UniqueBytes: uniqueBytes ?? usage?.bytes ?? -1,
    MeasuredAt: kind === 'image' ? '' : (usage?.measuredAt ?? ''),
  };
}
