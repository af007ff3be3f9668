/**
 * `plyfs container top`, also `plyfs top`: what runs in a container, or what all mounts do.
 */

import { Command } from 'commander';
import { alignColumns, shownCell } from '../../print/format-table.js';
import { printShown } from '../../print/output.js';
import type { MountsTopFlags } from '../top/mounts-top.js';
import { addContainerOptions, attempt, type ContainerFlags, openContainer } from './each-container.js';

const DETAILS = `
Shows the processes as ps(1) on the host does, with the host's pids; without options as 'ps -ef'.

Examples:
  plyfs container top web
  plyfs container top web -o pid,user,args`;

const TOP_DETAILS = `
Of a container: its processes as ps(1) on the host shows them, with the host's pids; without options as 'ps -ef'.

Without a container: all mounts and containers of this user on one screen, until 'q' or Ctrl-C. Requests a second and of which
kind, what their daemons take, what is full or waits for remote storage, the last operations that failed and why, requests
that took long, copy-ups and whiteouts with the process that made them. Requests are timed only while somebody looks.

Examples:
  plyfs top web
  plyfs top web -o pid,user,args
  plyfs top                                      all mounts
  plyfs top --no-stream                          once
  plyfs top --format json | jq '.Failures[0]'    a record every two seconds`;

export function containerTopCommand(): Command {
  const command = new Command('top')
    .description('show the processes of a container')
    .argument('<container>', 'name or id')
    .argument('[ps options...]', 'of ps(1)')
    .passThroughOptions();
  return addContainerOptions(command)
    .addHelpText('after', DETAILS)
    .action((text: string, options: readonly string[], flags: ContainerFlags) =>
      attempt('container top', flags, () => showProcesses(text, options, flags)),
    );
}

export function topCommand(): Command {
  const command = new Command('top')
    .description('show what all mounts do, or the processes of a container')
    .argument('[container]', 'name or id (default: all mounts)')
    .argument('[ps options...]', 'of ps(1)')
    .option('--no-stream', 'of all mounts: once, after a second')
    .option('--interval <seconds>', 'of all mounts: how often to look', '2')
    .option('--format <format>', "of all mounts: 'json', a record a line")
    .passThroughOptions();
  return addContainerOptions(command)
    .addHelpText('after', TOP_DETAILS)
    .action((text: string | undefined, options: readonly string[], flags: MountsTopFlags) =>
      attempt('top', flags, async () => {
        if (text !== undefined) return await showProcesses(text, options, flags);
        const { runMountsTop } = await import('../top/mounts-top.js');
        return await runMountsTop(flags);
      }),
    );
}

async function showProcesses(text: string, options: readonly string[], flags: ContainerFlags): Promise<void> {
  const { topContainer } = await import('../../../container/view/process-table.js');
  const { store, record } = await openContainer(text, flags);
  const { titles, rows } = await topContainer(store, record, options);
  printShown(alignColumns([titles, ...rows.map((row) => row.map(shownCell))]));
}
