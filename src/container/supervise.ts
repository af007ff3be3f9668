/**
 * One run of a container's command from mount to unmount, by the process that waits for it (supervise-main.ts), which
 * outlives the command line that started it.
 *
 * The container is locked while this changes its state, not while the command runs. When the command has ended its
 * status is recorded before anything is taken away.
 */

import { UserError } from '../errno/user-error.js';
import type { ContainerRecord } from '../store/container-record.js';
import type { Store } from '../store/store.js';
import type { EnterOrder } from './enter/order.js';
import type { HostFile } from './host-files.js';
import { lockContainer } from './lock.js';
import { addHostFiles, mountWithHostFiles, unmountContainer } from './mount.js';
import { namespaceMounts } from './namespace-mounts.js';
import { mayChangeUser } from './real-root.js';
import { removeContainer } from './remove.js';
import { type CommandState, identityOf, isRunning, readState, writeState } from './run-state.js';
import { FORWARDED, type SignalName, statusOfSignal } from './signal.js';
import { signalCommand } from './signal-command.js';
import { runProcess, StartFailure, type StartOptions } from './start-process.js';
import { mountPointOf, statusOf } from './status.js';

/** What the command's standard input, output and error are (CommandStreams, or descriptors of ours). */
export interface Streams {
  /** Made for the command, and given to its user. */
  readonly areOwn: boolean;
  stdio(): Pick<StartOptions, 'stdio' | 'onTerminal'>;
  /** The command has its own copies. */
  handedOver(): void;
  /** The command has ended. */
  finish(): Promise<void>;
}

/** Descriptors that are open anyway. */
export function givenStreams(stdio: StartOptions['stdio']): Streams {
  return {
    areOwn: false,
    stdio: () => ({ stdio }),
    handedOver: () => undefined,
    finish: async () => undefined,
  };
}

export interface Supervision {
  readonly streams: Streams;
  /** The command is about to run. */
  readonly onReady?: (pid: number) => void;
  /** What it writes need not be on disk at its end. */
  readonly isScratch?: boolean;
}

/**
 * @returns the exit status of the command, when its end is recorded.
 * @throws StartFailure when it cannot be run, UserError when it cannot be mounted; nothing is mounted then.
 */
export async function superviseCommand(
  store: Store,
  record: ContainerRecord,
  { streams, onReady, isScratch = record.autoRemove }: Supervision,
): Promise<number> {
  const args = commandLine(record);
  const began = await begin(store, record).catch((error: unknown) => abandon(store, record, error));
  const early: SignalName[] = [];
  using _forwarding = forwardSignals((name) => {
    if (!signalCommand(store, record, name)) early.push(name);
  });
  try {
    const mounts = namespaceMounts(store, record, { sharesTmpfs: false });
    const running = runProcess(
      { ...enterOrder(store, record, args, { files: began.files, mounts }), ownsStreams: streams.areOwn },
      {
        ...streams.stdio(),
        onReady: (pid, attached) => {
          recordStart(store, record, { ...began.state, process: identityOf(pid), attached });
          onReady?.(pid);
          for (const name of early.splice(0)) signalCommand(store, record, name);
        },
      },
    );
    streams.handedOver();
    const status = await running;
    await streams.finish();
    return await end(store, record, { status, began, isScratch });
  } catch (error) {
    const status = error instanceof StartFailure ? error.status : 125;
    await end(store, record, {
      status,
      began,
      isScratch,
      error: error instanceof Error ? error.message : String(error),
    });
    throw error;
  }
}

function recordStart(store: Store, record: ContainerRecord, state: CommandState): void {
  using _lock = lockContainer(store, record);
  writeState(store, record.id, state);
}

function commandLine({ process: { entrypoint, command } }: ContainerRecord): string[] {
  const args = [...entrypoint, ...command];
  if (args.length === 0) {
    throw new StartFailure(125, 'no command specified; give one after the image, or an image with CMD');
  }
  return args;
}

interface Beginning {
  readonly files: HostFile[];
  readonly state: CommandState;
  /** `container mount` has mounted it before: it stays mounted after the command. */
  readonly wasMounted: boolean;
}

async function begin(store: Store, record: ContainerRecord): Promise<Beginning> {
  using _lock = lockContainer(store, record);
  const before = statusOf(store, record);
  if (before.pid !== undefined || isRunning(before.state?.supervisor)) throw runsAlready(record);
  const wasMounted = before.daemon !== undefined;
  const files = await (wasMounted ? addHostFiles : mountWithHostFiles)(store, record);
  const state = { startedAt: new Date().toISOString(), supervisor: identityOf(process.pid) };
  writeState(store, record.id, state);
  return { files, state, wasMounted };
}

function runsAlready({ name }: ContainerRecord): UserError {
  return new UserError(`cannot start container '${name}': it is running already`, {
    hint: `'plyfs exec ${name} COMMAND' runs another command in it`,
  });
}

/** `--rm` leaves nothing of a container that could not be mounted. */
async function abandon(store: Store, record: ContainerRecord, error: unknown): Promise<never> {
  // It may be that it runs already.
  if (record.autoRemove && statusOf(store, record).status !== 'running')
    await removeContainer(store, record, { volumes: true });
  throw error;
}

interface Ending {
  readonly status: number;
  readonly began: Beginning;
  readonly isScratch: boolean;
  readonly error?: string;
}

/** Leaves `--rm` nothing to be seen. @returns the status to tell. */
async function end(store: Store, record: ContainerRecord, ending: Ending): Promise<number> {
  const { status, began, isScratch, error } = ending;
  let exitCode = status;
  let isKept = false;
  {
    using _lock = lockContainer(store, record);
    const state = readState(store, record.id) ?? began.state;
    if (state.endedBy !== undefined && status === statusOfSignal('SIGKILL'))
      exitCode = statusOfSignal(state.endedBy);
    isKept = state.restarts === true;
    writeState(store, record.id, {
      startedAt: state.startedAt,
      finishedAt: new Date().toISOString(),
      exitCode,
      ...(error === undefined ? {} : { error }),
    });
    if (!began.wasMounted)
      await unmountContainer(store, record, { lazily: true, isScratch: isScratch && !isKept });
  }
  if (record.autoRemove && !isKept) await removeContainer(store, record, { force: true, volumes: true });
  return exitCode;
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
    ownsStreams: false,
    privileged: record.privileged,
    runtime: record.runtime ?? {},
    rootless: !mayChangeUser(),
    ...(record.network === undefined ? {} : { network: record.network }),
  };
}

/** What comes to this process goes to a command, from the first moment on. */
export function forwardSignals(pass: (name: SignalName) => void): Disposable {
  const listeners = FORWARDED.map((name) => {
    const listener = () => pass(name);
    process.on(name, listener);
    return { name, listener };
  });
  return {
    [Symbol.dispose]: () => {
      for (const { name, listener } of listeners) process.off(name, listener);
    },
  };
}
