/**
 * One run of a container's command from mount to unmount, by the process that waits for it: `plyfs run` itself, or a
 * detached process of its own for `-d`.
 *
 * The container is locked while this changes its state, not while the command runs. When the command has ended its
 * status is recorded before anything is taken away.
 */

import type { ContainerRecord } from '../store/container-record.js';
import type { Store } from '../store/store.js';
import type { EnterOrder } from './enter/order.js';
import { type HostFile, makeHostFiles, missingMountPoints } from './host-files.js';
import { lockContainer } from './lock.js';
import { mountContainer, unmountContainer } from './mount.js';
import { configOf } from './mount-config.js';
import { namespaceMounts } from './namespace-mounts.js';
import { mayChangeUser } from './real-root.js';
import { removeContainer } from './remove.js';
import { identityOf, readState, writeState } from './run-state.js';
import { type SignalName, send, signalFirstProcess, statusOfSignal } from './signal.js';
import { runProcess, StartFailure, type StartOptions } from './start-process.js';
import { mountPointOf, statusOf } from './status.js';

export interface Supervision extends Pick<StartOptions, 'stdio' | 'onTerminal'> {
  /** The command is about to run. */
  readonly onReady?: (pid: number) => void;
}

/** Signals that are passed on to the command. */
export const FORWARDED: readonly SignalName[] = [
  'SIGTERM',
  'SIGINT',
  'SIGHUP',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGWINCH',
  'SIGCONT',
  'SIGALRM',
];

/**
 * @returns the exit status of the command.
 * @throws StartFailure when it cannot be run, UserError when it cannot be mounted; nothing is mounted then.
 */
export async function superviseCommand(
  store: Store,
  record: ContainerRecord,
  supervision: Supervision,
): Promise<number> {
  const args = commandLine(record);
  using forwarder = forwardSignals();
  const files = await begin(store, record).catch((error: unknown) => abandon(store, record, error));
  const startedAt = new Date().toISOString();
  const supervisor = identityOf(process.pid);
  try {
    const mounts = namespaceMounts(store, record, { sharesTmpfs: false });
    const status = await runProcess(enterOrder(store, record, args, { files, mounts }), {
      ...supervision,
      onReady: (pid, attached) => {
        using _lock = lockContainer(store, record);
        writeState(store, record.id, { startedAt, process: identityOf(pid), supervisor, attached });
        forwarder.to(pid);
        supervision.onReady?.(pid);
      },
    });
    await end(store, record, forwarder.endedBy(status));
    return forwarder.endedBy(status);
  } catch (error) {
    const status = error instanceof StartFailure ? error.status : 125;
    await end(store, record, status, error instanceof Error ? error.message : String(error));
    throw error;
  }
}

function commandLine({ process: { entrypoint, command } }: ContainerRecord): string[] {
  const args = [...entrypoint, ...command];
  if (args.length === 0) {
    throw new StartFailure(125, 'no command specified; give one after the image, or an image with CMD');
  }
  return args;
}

async function begin(store: Store, record: ContainerRecord): Promise<HostFile[]> {
  using _lock = lockContainer(store, record);
  const files = makeHostFiles(store, record);
  const extra = missingMountPoints(store, record, files);
  await mountContainer(store, record, configOf(store, record, { extra }));
  return files;
}

/** `--rm` leaves nothing of a container that could not be mounted. */
async function abandon(store: Store, record: ContainerRecord, error: unknown): Promise<never> {
  // It may be that it runs already.
  if (record.autoRemove && statusOf(store, record).status !== 'running')
    await removeContainer(store, record, { volumes: true });
  throw error;
}

/** Leaves `--rm` nothing to be seen. */
async function end(store: Store, record: ContainerRecord, exitCode: number, error?: string): Promise<void> {
  {
    using _lock = lockContainer(store, record);
    const state = readState(store, record.id) ?? { startedAt: new Date().toISOString() };
    const { process: _process, supervisor: _supervisor, attached: _mounts, error: _before, ...kept } = state;
    writeState(store, record.id, {
      ...kept,
      finishedAt: new Date().toISOString(),
      exitCode,
      ...(error === undefined ? {} : { error }),
    });
    await unmountContainer(store, record, { lazily: true });
  }
  if (record.autoRemove) await removeContainer(store, record, { force: true, volumes: true });
}

export function enterOrder(
  store: Store,
  record: ContainerRecord,
  args: readonly string[],
  over: Pick<EnterOrder, 'files' | 'mounts'>,
): EnterOrder {
  const { environment, workingDirectory, user, tty } = record.process;
  return {
    root: mountPointOf(store, record),
    hostname: record.hostname,
    ...over,
    args,
    environment,
    workingDirectory,
    makeDirectory: true,
    user,
    terminal: tty,
    privileged: record.privileged,
    rootless: !mayChangeUser(),
  };
}

interface Forwarder extends Disposable {
  to(pid: number): void;
  /** The status to tell, given that of the process. */
  endedBy(status: number): number;
}

/** From the first moment on: a signal that comes before the command does is passed on then. */
export function forwardSignals({ isFirst } = { isFirst: true }): Forwarder {
  let target: number | undefined;
  let fatal: SignalName | undefined;
  const early: SignalName[] = [];
  // Any other process than the first of its namespace gets all signals.
  const pass = (pid: number, name: SignalName) => (isFirst ? signalFirstProcess(pid, name) : send(pid, name));
  const listeners = FORWARDED.map((name) => {
    const listener = () => {
      if (target === undefined) early.push(name);
      else fatal = pass(target, name) ?? fatal;
    };
    process.on(name, listener);
    return { name, listener };
  });
  return {
    to: (pid) => {
      target = pid;
      for (const name of early.splice(0)) fatal = pass(pid, name) ?? fatal;
    },
    endedBy: (status) =>
      fatal !== undefined && status === statusOfSignal('SIGKILL') ? statusOfSignal(fatal) : status,
    [Symbol.dispose]: () => {
      for (const { name, listener } of listeners) process.off(name, listener);
    },
  };
}
