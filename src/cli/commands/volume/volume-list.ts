/**
 * `plyfs volume ls`: which volumes there are, and who uses them.
 */

import { Command } from 'commander';
import { volumeFacts } from '../../../volume/inspect-volume.js';
import type { ListedVolume, VolumeFilter } from '../../../volume/list-volumes.js';
import {
  addListOptions,
  booleanFilter,
  type Filters,
  formatList,
  type ListFlags,
  type ListShape,
  matchesLabels,
  parseFilters,
} from '../../frame/list-options.js';
import { attempt, openStore, ROOT_FLAG, ROOT_TEXT, type StoreFlags } from '../../frame/store-command.js';
import { keyLines, keyValues, type Row } from '../../print/format-table.js';
import { printShown } from '../../print/output.js';
import { ROW_LABELS } from '../../print/template/template.js';

const FILTERS = ['name', 'label', 'dangling', 'driver', 'anonymous'];

const SHAPE: ListShape = {
  keys: [
    'Name',
    'Driver',
    'Scope',
    'Mountpoint',
    'CreatedAt',
    'Labels',
    'Options',
    'Anonymous',
    'Mounted',
    'UsedBy',
    'MadeFor',
    'SizeBytes',
    'MeasuredAt',
    'Availability',
    'Group',
    'Links',
    'Size',
    'Status',
  ],
  columns: [
    { title: 'DRIVER', key: 'Driver' },
    { title: 'VOLUME NAME', key: 'Name' },
    { title: 'USED BY', key: 'UsedBy' },
  ],
  quietKey: 'Name',
};

const DETAILS = `
USED BY has the names of containers, running or not, and the mount points of 'plyfs mount'.

Filters: name=PART (or a regular expression), label=KEY[=VALUE], dangling=true|false (nobody uses it), driver=local,
anonymous=true|false.
Keys of --format json and of a template (also {{.Label "key"}}; 'table TEMPLATE' adds titles):
${keyLines(SHAPE.keys)}.
Labels is KEY=VALUE,..., Options a list of KEY=VALUE; MadeFor is 'CONTAINER:PATH of IMAGE' of an anonymous volume;
SizeBytes is what was in it at MeasuredAt (see 'plyfs system df'), -1 when nobody has looked. Availability, Group, Links,
Size and Status are N/A, as in Docker's list.

Examples:
  plyfs volume ls --filter dangling=true
  plyfs volume ls -q --filter label=app=shop
  plyfs volume ls --format '{{.Name}}\\t{{.UsedBy}}'`;

type Flags = ListFlags & StoreFlags;

export function volumeListCommand(): Command {
  const command = new Command('ls')
    .alias('list')
    .description('list volumes and who uses them')
    .option(ROOT_FLAG, ROOT_TEXT);
  return addListOptions(command, 'names only', FILTERS)
    .addHelpText('after', DETAILS)
    .action((flags: Flags) => attempt('volume ls', flags, () => runList(flags)));
}

async function runList(flags: Flags): Promise<void> {
  const { describeVolumes, matchesFilter } = await import('../../../volume/list-volumes.js');
  const { runningMounts } = await import('../../../daemon/run-directory/store-users.js');
  const filter = volumeFilter(parseFilters(flags.filter, FILTERS));
  const store = await openStore(flags);
  const volumes = describeVolumes(store, runningMounts(store.root));
  const rows = volumes.filter((volume) => matchesFilter(volume, filter)).map(rowOf);
  printShown(formatList(rows, flags, SHAPE));
}

/** Also of `prune`. */
export function volumeFilter(filters: Filters): VolumeFilter {
  const labels = filters.get('label');
  const without = filters.get('label!');
  return {
    names: filters.get('name'),
    drivers: filters.get('driver'),
    dangling: booleanFilter(filters, 'dangling'),
    anonymous: booleanFilter(filters, 'anonymous'),
    labels: (all) => matchesLabels(all, labels) && !(without ?? []).some((one) => matchesLabels(all, [one])),
  };
}

/** Keys of Docker's that say nothing here, as they do on one of its hosts. */
const CLUSTER = { Availability: 'N/A', Group: 'N/A', Links: 'N/A', Size: 'N/A', Status: 'N/A' };

function rowOf(volume: ListedVolume): Row {
  const { record, anonymous, mounted, users, usage } = volume;
  const { madeFor } = record;
  return {
    ...volumeFacts(volume),
    Labels: keyValues(record.labels),
    [ROW_LABELS]: record.labels,
    Options: Object.entries(record.options).map(([key, value]) => `${key}=${value}`),
    Anonymous: anonymous,
    Mounted: mounted,
    UsedBy: users.map(({ name }) => name),
    MadeFor:
      madeFor === undefined ? '' : `${madeFor.container.slice(0, 12)}:${madeFor.path} of ${madeFor.image}`,
    SizeBytes: usage?.bytes ?? -1,
    MeasuredAt: usage?.measuredAt ?? '',
    ...CLUSTER,
  };
}
