/**
 * `metrics`: what each mount of this user's has done, and what its daemon takes. No mount is touched.
 */

import { readdirSync } from 'node:fs';
import { hasCode } from '../../errno/error-code.js';
import { UserError } from '../../errno/user-error.js';
import { type ProcessUsage, processUsage } from '../../linux/process/process-usage.js';
import { displayName } from '../../vfs/name.js';
import type { SessionStats } from '../messages/activity-report.js';
import { askDaemon } from '../messages/control-client.js';
import { listRunStates, runDirectory, runRoot } from '../run-directory/run-state.js';

const ANSWER_LIMIT_MS = 1_000;

export interface MountMetrics {
  readonly id: string;
  readonly mountpoint: string;
  readonly pid: number;
  /** Undefined when the daemon does not answer. */
  readonly stats: SessionStats | undefined;
}

interface DaemonMetrics extends ProcessUsage {
  readonly pid: number;
  readonly openFiles: number;
}

export interface Metrics {
  readonly mounts: readonly MountMetrics[];
  /** A process may serve several mounts. */
  readonly daemons: readonly DaemonMetrics[];
}

/** @param recent with what happened lately; requests that take long are noted for a while then. */
export async function mountMetrics({ recent = false } = {}): Promise<Metrics> {
  const states = listRunStates(runRoot()).filter(({ mountId }) => mountId !== undefined);
  const mounts = await Promise.all(
    states.map(async ({ id, mountpoint, pid }): Promise<MountMetrics> => {
      return { id, mountpoint: displayName(mountpoint), pid, stats: await statsOf(id, { recent }) };
    }),
  );
  const pids = [...new Set(mounts.map(({ pid }) => pid))];
  return { mounts, daemons: pids.flatMap((pid) => daemonMetrics(pid) ?? []) };
}

async function statsOf(id: string, args: { readonly recent: boolean }): Promise<SessionStats | undefined> {
  try {
    const options = { timeoutMs: ANSWER_LIMIT_MS };
    const reply = (await askDaemon(runDirectory(runRoot(), id), 'stats', args, options)) as StatsReply;
    // A daemon of before has less to tell.
    return { failed: {}, waiting: [], ...reply };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return undefined;
  }
}

type StatsReply = Pick<SessionStats, 'requests' | 'nodes'> & Partial<SessionStats>;

/** @returns undefined for a process that has ended. */
function daemonMetrics(pid: number): DaemonMetrics | undefined {
  const usage = processUsage(pid);
  try {
    return usage && { pid, ...usage, openFiles: readdirSync(`/proc/${pid}/fd`).length };
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return undefined;
    throw error;
  }
}
