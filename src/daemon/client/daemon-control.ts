/** The daemons of this user: what they serve, what would become of it without them, and how they are restarted and stopped. */

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { hasCode } from '../../errno/error-code.js';
import { UserError } from '../../errno/user-error.js';
import { displayName } from '../../vfs/name.js';
import { askDaemon } from '../messages/control-client.js';
import type { SharedDaemonReport } from '../messages/daemon-report.js';
import {
  daemonOfMount,
  isAlive,
  listRunStates,
  processStartTicks,
  runDirectory,
  runRoot,
} from '../run-directory/run-state.js';

const ANSWER_LIMIT_MS = 10_000;
/** A next daemon may have a million names to find. */
const RESTART_LIMIT_MS = 120_000;
/** What a busy disk takes to write out all that was promised. */
const STOP_LIMIT_MS = 120_000;
const POLL_MS = 50;

export interface RunningDaemon extends SharedDaemonReport {
  /** The directory of its log. */
  readonly directory: string;
  /** Serves one mount alone: as a daemon, or as the command that somebody has started. */
  readonly own?: 'daemon' | 'foreground';
}

/** @throws UserError when one does not answer. */
export async function runningDaemons(): Promise<RunningDaemon[]> {
  const root = runRoot();
  const own = listRunStates(root)
    .filter(({ isShared, mountId }) => isShared !== true && mountId !== undefined)
    .map(({ id, pid, keeper, mountpoint, createdAt, isForeground, endsBecause }): RunningDaemon => {
      const mounts = [{ id, mountpoint: displayName(mountpoint), endsBecause }];
      const own = isForeground === true ? 'foreground' : 'daemon';
      const directory = runDirectory(root, id);
      return { pid, keeperPid: keeper?.pid, since: createdAt, tookOver: false, mounts, directory, own };
    });
  const daemons = join(root, 'daemons');
  const directories = existsSync(daemons) ? readdirSync(daemons).map((name) => join(daemons, name)) : [];
  const shared = await Promise.all(directories.map(sharedDaemon));
  return [...shared.filter((one) => one !== undefined), ...own];
}

async function sharedDaemon(directory: string): Promise<RunningDaemon | undefined> {
  try {
    const report = (await askDaemon(
      directory,
      'status',
      {},
      { timeoutMs: ANSWER_LIMIT_MS },
    )) as SharedDaemonReport;
    return { ...report, directory };
  } catch (error) {
    if (!hasCode(error, 'ERR_NO_DAEMON')) throw error;
    return undefined;
  }
}

/**
 * Has another process take over from the daemon.
 * @param program that it is to run, Node and a script; absent: what the daemon runs.
 * @returns the next one; undefined where there was nothing to take over.
 * @throws UserError where a mount would end, or when none has taken over.
 */
export async function restartDaemon(
  daemon: RunningDaemon,
  program?: readonly string[],
): Promise<RunningDaemon | undefined> {
  if (daemon.own !== undefined) {
    const next = await restartOwn(daemon);
    const isWanted = program === undefined || program[1] === next.program?.path;
    return isWanted ? next : await restartDaemon(next, program);
  }
  const [name, args] = program === undefined ? ['restart', {}] : ['upgrade', { program }];
  const ids = (await askDaemon(daemon.directory, name, args, { timeoutMs: ANSWER_LIMIT_MS })) as string[];
  return await nextDaemon(daemon, ids);
}

/** The next one is a daemon as those that serve many mounts. @throws UserError */
async function restartOwn({ pid, mounts, own }: RunningDaemon): Promise<RunningDaemon> {
  const { id, endsBecause, mountpoint } = mounts[0]!;
  if (endsBecause !== undefined)
    throw new UserError(`cannot restart: '${mountpoint}' would end, since ${endsBecause}`, {
      hint: 'unmount it first',
    });
  if (own === 'foreground')
    throw new UserError(`cannot restart: '${mountpoint}' is served by a command in the foreground`, {
      hint: `end process ${pid}, and start it again`,
    });
  process.kill(pid, 'SIGKILL');
  return (await nextDaemon({ pid, directory: daemonOfMount(runRoot(), id) }, [id]))!;
}

/** @returns the one that serves these mounts; undefined where none is needed. @throws UserError */
async function nextDaemon(
  before: Pick<RunningDaemon, 'pid' | 'directory'>,
  ids: readonly string[],
): Promise<RunningDaemon | undefined> {
  const deadline = Date.now() + RESTART_LIMIT_MS;
  while (Date.now() < deadline) {
    await pause(POLL_MS);
    const next = await sharedDaemon(before.directory);
    if (next === undefined && ids.length === 0) return undefined;
    if (next === undefined || next.pid === before.pid) continue;
    if (ids.every((id) => next.mounts.some((mount) => mount.id === id && mount.endsBecause === undefined)))
      return next;
  }
  throw new UserError(`no process has taken over from ${before.pid}`, { hint: 'see plyfs daemon log' });
}

/** @throws UserError when it does not end. */
export async function stopDaemon({ pid }: RunningDaemon): Promise<void> {
  const startTicks = processStartTicks(pid);
  if (startTicks === undefined) return;
  process.kill(pid, 'SIGTERM');
  const deadline = Date.now() + STOP_LIMIT_MS;
  while (isAlive({ pid, startTicks })) {
    if (Date.now() > deadline)
      throw new UserError(`process ${pid} serves on: a mount of it is in use`, { code: 'ERR_IN_USE' });
    await pause(POLL_MS);
  }
}
