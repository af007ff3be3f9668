/**
 * `plyfs mounts`: what this user has mounted.
 */

import { Command } from 'commander';
import type { ListedMount } from '../../daemon/run-directory/list-mounts.js';
import { DEBUG_FLAG } from '../frame/common-options.js';
import { type Column, formatJson, formatTable, formatTemplate, type Row } from '../print/format-table.js';
import { fail, printShown, shown } from '../print/output.js';

const KEYS = [
  'Mountpoint',
  'Status',
  'Layers',
  'Upper',
  'Work',
  'Mounts',
  'ReadOnly',
  'Engine',
  'Pid',
  'CreatedAt',
  'Id',
];

const COLUMNS: readonly Column[] = [
  { title: 'MOUNTPOINT', key: 'Mountpoint' },
  { title: 'STATUS', key: 'Status' },
  { title: 'LAYERS', key: 'LayerCount' },
  { title: 'UPPER', key: 'Upper' },
  { title: 'MOUNTS', key: 'MountCount' },
  { title: 'PID', key: 'Pid' },
  { title: 'CREATED', key: 'CreatedAt' },
];

const DETAILS = `
STATUS is 'up'; 'detached' for a lazily unmounted one that is still in use; 'no daemon' for a mount whose daemon is
gone or belongs to another user.

Keys of a template: ${KEYS.join(', ')}

Examples:
  plyfs mounts
  plyfs mounts --format '{{.Mountpoint}}\\t{{.Upper}}'
  plyfs mounts -q | xargs -d '\\n' plyfs umount`;

interface MountsFlags {
  readonly format: string;
  readonly quiet?: boolean;
  readonly debug?: boolean;
}

export function mountsCommand(): Command {
  return new Command('mounts')
    .description('list what is mounted')
    .option('--format <format>', "'table', 'json', a template, or 'table TEMPLATE'", 'table')
    .option('-q, --quiet', 'mount points only')
    .option(DEBUG_FLAG, 'stack traces with errors')
    .addHelpText('after', DETAILS)
    .action(runMounts);
}

async function runMounts(flags: MountsFlags): Promise<void> {
  try {
    const { listMounts } = await import('../../daemon/run-directory/list-mounts.js');
    printShown(formatMounts(listMounts(), flags));
  } catch (error) {
    fail('mounts', error, { debug: flags.debug === true });
  }
}

/** @throws UserError for a template that is not understood. */
export function formatMounts(mounts: readonly ListedMount[], flags: MountsFlags): string {
  const rows = mounts.map(rowOf);
  if (flags.quiet) return rows.map((row) => `${shown(String(row.Mountpoint))}\n`).join('');
  if (flags.format === 'json') return formatJson(rows);
  if (flags.format !== 'table') return formatTemplate(rows, flags.format, KEYS, COLUMNS);
  const tableRows = mounts.map((mount, index) => ({
    ...rows[index],
    Pid: mount.pid ?? '',
    LayerCount: mount.layers.length,
    MountCount: mount.mounts.length,
  }));
  return formatTable(tableRows, COLUMNS);
}

function rowOf(mount: ListedMount): Row {
  return {
    Mountpoint: mount.mountpoint,
    Status: mount.status,
    Layers: mount.layers,
    Upper: mount.upper ?? '',
    Work: mount.work ?? '',
    Mounts: mount.mounts,
    ReadOnly: mount.readOnly,
    Engine: mount.engine,
    Pid: mount.pid ?? 0,
    CreatedAt: mount.createdAt,
    Id: mount.id,
  };
}
