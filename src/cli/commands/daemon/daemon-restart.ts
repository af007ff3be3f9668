/**
 * `plyfs daemon restart`, `plyfs daemon upgrade` and `plyfs daemon stop`.
 */

import { Command } from 'commander';
import { UserError } from '../../../errno/user-error.js';
import { DEBUG_FLAG } from '../../frame/common-options.js';
import { fail, print, shown } from '../../print/output.js';

const RESTART_DETAILS = `
Another process takes over the mounts; programs in them wait a second and go on. Refused where a mount would end with the
daemon: 'plyfs daemon status' says which and why. The next daemon runs the files that the daemon was started from, as
they are now.

Example:
  plyfs daemon restart`;

const UPGRADE_DETAILS = `
As restart, but the next daemon is the plyfs that this command is of. Nothing happens where that runs already. Refused
where the daemon is of a later version, whose state this one does not read.

Example:
  plyfs daemon upgrade`;

const STOP_DETAILS = `
Refused while there are mounts, unless --unmount is given: then all are unmounted, those in use lazily, and the command
waits until they are free.

Examples:
  plyfs daemon stop
  plyfs daemon stop --unmount`;

interface DaemonFlags {
  readonly debug?: boolean;
  readonly unmount?: boolean;
}

export function daemonRestartCommand(): Command {
  return new Command('restart')
    .description('have another process take over the mounts')
    .option(DEBUG_FLAG, 'stack traces with errors')
    .addHelpText('after', RESTART_DETAILS)
    .action((flags: DaemonFlags) => attemptDaemon('daemon restart', flags, restartAll));
}

export function daemonUpgradeCommand(): Command {
  return new Command('upgrade')
    .description('have what is installed now take over the mounts')
    .option(DEBUG_FLAG, 'stack traces with errors')
    .addHelpText('after', UPGRADE_DETAILS)
    .action((flags: DaemonFlags) => attemptDaemon('daemon upgrade', flags, upgradeAll));
}

export function daemonStopCommand(): Command {
  return new Command('stop')
    .description('end the daemons')
    .option('--unmount', 'unmount all that they serve')
    .option(DEBUG_FLAG, 'stack traces with errors')
    .addHelpText('after', STOP_DETAILS)
    .action((flags: DaemonFlags) => attemptDaemon('daemon stop', flags, () => stopAll(flags)));
}

async function attemptDaemon(name: string, flags: DaemonFlags, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    fail(name, error, { debug: flags.debug === true });
  }
}

async function restartAll(): Promise<void> {
  const { restartDaemon, runningDaemons } = await import('../../../daemon/client/daemon-control.js');
  for (const daemon of await runningDaemons()) print(outcome(daemon.pid, await restartDaemon(daemon)));
}

async function upgradeAll(): Promise<void> {
  const { runningDaemons } = await import('../../../daemon/client/daemon-control.js');
  const { upgradeDaemon } = await import('../../../daemon/client/upgrade-daemon.js');
  for (const daemon of await runningDaemons()) {
    const next = await upgradeDaemon(daemon);
    if (next === 'is current') print(`${daemon.pid} runs plyfs ${daemon.program?.version} already`);
    else print(outcome(daemon.pid, next === 'has ended' ? undefined : next));
  }
}

function outcome(pid: number, next: { readonly pid: number } | undefined): string {
  return next === undefined ? `${pid} has ended: it had no mount` : `${next.pid} serves what ${pid} served`;
}

async function stopAll({ unmount = false }: DaemonFlags): Promise<void> {
  const { runningDaemons, stopDaemon } = await import('../../../daemon/client/daemon-control.js');
  const daemons = await runningDaemons();
  const [mount] = daemons.flatMap(({ mounts }) => mounts);
  if (mount !== undefined && !unmount)
    throw new UserError(`'${shown(mount.mountpoint)}' is mounted`, { hint: 'plyfs daemon stop --unmount' });
  for (const daemon of daemons) await stopDaemon(daemon);
}
