/**
 * What the daemon of a running container knows of its remote storage: asked of the daemon, which never waits for storage.
 */

import { askDaemon } from '../../daemon/messages/control-client.js';
import type { MountReport } from '../../daemon/messages/mount-report.js';
import { runDirectory, runRoot } from '../../daemon/run-directory/run-state.js';
import { UserError } from '../../errno/user-error.js';
import type { ContainerRecord } from '../../store/container-record.js';
import type { Store } from '../../store/store.js';
import { containerStatus } from '../record/status.js';

export interface RemoteFacts {
  /** File system type of the storage, as mountinfo has it. */
  readonly Storage: string;
  readonly Lacks: readonly { readonly Operation: string; readonly Error: string }[];
  /** Why it is not known what it lacks. */
  readonly Untried?: string;
  readonly Waiting: { readonly Requests: number; readonly OldestMs: number };
}

const ANSWER_LIMIT_MS = 500;

/** By target; empty for a container that is not mounted, or whose daemon does not answer. */
export async function remoteFacts(
  store: Store,
  record: ContainerRecord,
): Promise<ReadonlyMap<string, RemoteFacts>> {
  const { daemon } = containerStatus(store, record);
  if (daemon === undefined) return new Map();
  try {
    const directory = runDirectory(runRoot(), daemon.id);
    const { mounts } = (await askDaemon(directory, 'inspect', {}, { timeoutMs: ANSWER_LIMIT_MS })) as {
      readonly mounts: readonly MountReport[];
    };
    const remote = mounts.filter(({ servedBy }) => servedBy === 'thread');
    return new Map(remote.map((report) => [report.target, factsOf(report)]));
  } catch (error) {
    // It ends just now, or hangs: the rest is known without it.
    if (error instanceof UserError) return new Map();
    throw error;
  }
}

function factsOf({ storage = '', lacks = [], untried, waiting }: MountReport): RemoteFacts {
  return {
    Storage: storage,
    Lacks: lacks.map(({ operation, error }) => ({ Operation: operation, Error: error })),
    ...(untried === undefined ? {} : { Untried: untried }),
    Waiting: { Requests: waiting?.requests ?? 0, OldestMs: waiting?.oldestMs ?? 0 },
  };
}
