/**
 * `plyfs daemon status`: which process serves which mount, and what becomes of the mount when that dies.
 */

import { Command } from 'commander';
import { DEBUG_FLAG } from '../../frame/common-options.js';
import { type Column, formatJson, formatTable, formatTemplate, type Row } from '../../print/format-table.js';
import { fail, printShown } from '../../print/output.js';

const KEYS = ['Pid', 'Keeper', 'Since', 'TookOver', 'Mountpoint', 'Outlives', 'Reason'];

const COLUMNS: readonly Column[] = [
  { title: 'PID', key: 'Pid' },
  { title: 'KEEPER', key: 'Keeper' },
  { title: 'SINCE', key: 'Since' },
  { title: 'MOUNTPOINT', key: 'Mountpoint' },
  { title: 'WHEN IT DIES', key: 'Fate' },
];

const DETAILS = `
A line for each mount; a daemon without mounts has one too, and ends after a while. KEEPER is the process that becomes the
next daemon when this one dies: programs in the mount then wait a second and go on.

Keys of a template: ${KEYS.join(', ')}

Examples:
  plyfs daemon status
  plyfs daemon status --format '{{.Mountpoint}} {{.Outlives}} {{.Reason}}'`;

interface StatusFlags {
  readonly format: string;
  readonly debug?: boolean;
}

export function daemonStatusCommand(): Command {
  return new Command('status')
    .description('show which process serves which mount, and what becomes of it when that dies')
    .option('--format <format>', "'table', 'json', a template, or 'table TEMPLATE'", 'table')
    .option(DEBUG_FLAG, 'stack traces with errors')
    .addHelpText('after', DETAILS)
    .action(runStatus);
}

async function runStatus({ format, debug }: StatusFlags): Promise<void> {
  try {
    const { runningDaemons } = await import('../../../daemon/client/daemon-control.js');
    const rows = (await runningDaemons()).flatMap(({ pid, keeperPid, since, tookOver, mounts }): Row[] => {
      const common = { Pid: pid, Keeper: keeperPid ?? 0, Since: since, TookOver: tookOver };
      if (mounts.length === 0)
        return [{ ...common, Mountpoint: '', Outlives: false, Reason: 'it has no mount' }];
      return mounts.map(({ mountpoint, endsBecause }) => ({
        ...common,
        Mountpoint: mountpoint,
        Outlives: endsBecause === undefined,
        Reason: endsBecause ?? '',
      }));
    });
    printShown(formatRows(rows, format));
  } catch (error) {
    fail('daemon status', error, { debug: debug === true });
  }
}

function formatRows(rows: readonly Row[], format: string): string {
  if (format === 'json') return formatJson(rows);
  if (format !== 'table') return formatTemplate(rows, format, KEYS, COLUMNS);
  const tableRows = rows.map((row) => ({
    ...row,
    Keeper: row.Keeper || '',
    Fate: row.Outlives === true ? 'goes on' : row.Mountpoint === '' ? '' : `ends: ${row.Reason}`,
  }));
  return formatTable(tableRows, COLUMNS);
}
