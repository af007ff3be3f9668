/**
 * Another command in a container: in the namespaces of the one that runs, or, in a container that is only mounted, in
 * namespaces of its own.
 */

import { UserError } from '../errno/user-error.js';
import type { ContainerRecord } from '../store/container-record.js';
import type { Store } from '../store/store.js';
import { mergeEnvironment } from './environment.js';
import { makeHostFiles } from './host-files.js';
import { lockContainer } from './lock.js';
import { namespaceMounts } from './namespace-mounts.js';
import { withTerminal } from './run.js';
import { runProcess, StartFailure } from './start-process.js';
import { statusOf } from './status.js';
import { enterOrder, forwardSignals } from './supervise.js';

export interface ExecWish {
  readonly command: readonly string[];
  readonly environment?: readonly string[] | undefined;
  readonly environmentFiles?: readonly string[] | undefined;
  readonly workingDirectory?: string | undefined;
  readonly user?: string | undefined;
  readonly tty?: boolean | undefined;
  readonly interactive?: boolean | undefined;
  readonly privileged?: boolean | undefined;
}

/** @returns the exit status. @throws UserError when it does not run; StartFailure when the command cannot. */
export async function execInContainer(
  store: Store,
  record: ContainerRecord,
  wish: ExecWish,
): Promise<number> {
  const { daemon, pid } = statusOf(store, record);
  if (daemon === undefined) throw notRunning(record);
  if (wish.workingDirectory?.startsWith('/') === false) {
    throw new UserError(
      `the working directory '${wish.workingDirectory}' is invalid, it needs to be an absolute path`,
    );
  }
  if (wish.command.length === 0) throw new StartFailure(125, 'no command specified');
  const { process } = record;
  const withOptions: ContainerRecord = {
    ...record,
    privileged: wish.privileged === true || record.privileged,
    process: {
      ...process,
      environment: mergeEnvironment(process.environment, wish.environmentFiles ?? [], wish.environment ?? []),
      workingDirectory: wish.workingDirectory ?? process.workingDirectory,
      user: wish.user ?? process.user,
      tty: wish.tty === true,
    },
  };
  const files = pid === undefined ? hostFiles(store, record) : [];
  // Each such command has a namespace of its own.
  const mounts = pid === undefined ? namespaceMounts(store, record, { sharesTmpfs: true }) : [];
  // A mistyped directory is not to be made.
  const makeDirectory = wish.workingDirectory === undefined;
  const order = { ...enterOrder(store, withOptions, wish.command, { files, mounts }), makeDirectory };
  const { root, ...joining } = order;
  using forwarder = forwardSignals({ isFirst: pid === undefined });
  const running = withTerminal(wish.tty === true, wish.interactive === true, (supervision) =>
    runProcess(pid === undefined ? order : { ...joining, joinPid: pid }, {
      ...supervision,
      onReady: (own) => {
        if (pid === undefined) assertStillMounted(store, record, daemon.id);
        forwarder.to(own);
      },
    }),
  );
  try {
    return forwarder.endedBy(await running);
  } catch (error) {
    // What failed then is of no interest: it was stopped or removed meanwhile.
    const now = statusOf(store, record);
    if (now.daemon === undefined || now.pid !== pid) throw notRunning(record);
    throw error;
  }
}

function notRunning({ name }: ContainerRecord): UserError {
  return new UserError(`container '${name}' is not running`, {
    hint: `'plyfs container start ${name}' mounts it`,
  });
}

/**
 * The mount may have been taken away while the command entered it. Under the lock, which `stop` holds while it looks for
 * commands and unmounts: it sees this one, whose root directory is the mount by now, or this one sees that it is gone.
 */
function assertStillMounted(store: Store, record: ContainerRecord, daemonId: string): void {
  using _lock = lockContainer(store, record);
  if (statusOf(store, record).daemon?.id !== daemonId) throw notRunning(record);
}

function hostFiles(store: Store, record: ContainerRecord) {
  using _lock = lockContainer(store, record);
  return makeHostFiles(store, record);
}
