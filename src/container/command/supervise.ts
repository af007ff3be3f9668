/**
 * One run of a container's command from mount to unmount, by the process that waits for it (supervise-main.ts), which
 * outlives the command line that started it.
 *
 * The container is locked while this changes its state, not while the command runs. When the command has ended its
 * status is recorded before anything is taken away.
 */

import { messageOf } from '../../errno/reason.js';
import { UserError } from '../../errno/user-error.js';
import type { Rootfs, RunnableRootfs } from '../../store/container-record.js';
import type { Store } from '../../store/store.js';
import { enterCgroups, hadOomKill, removeCgroups } from '../cgroup/cgroup.js';
import { makeOwnCgroups, shownCgroups } from '../cgroup/own-cgroups.js';
import type { RemoveOptions } from '../end/remove-container.js';
import { passSignal } from '../end/signal-command.js';
import type { ContentSource } from '../enter/enter-request.js';
import {
  type CommandState,
  isRunning,
  noteState,
  processIdentity,
  readState,
  writeState,
} from '../record/command-state.js';
import { lockContainer } from '../record/container-lock.js';
import { noteContainer } from '../record/note-container.js';
import { type SignalName, statusOfSignal } from '../record/signal.js';
import { containerStatus } from '../record/status.js';
import type { HostFile } from '../tree/host-files.js';
import { addHostFiles, mountWithHostFiles } from '../tree/mount-container.js';
import { namespaceMounts } from '../tree/namespace-mounts.js';
import { unmountContainer } from '../tree/unmount-container.js';
import { enterRequest, forwardSignals } from './command-order.js';
import type { CommandTemplate } from './command-template.js';
import type { HealthMonitor } from './health/health-monitor.js';
import { watchHealth } from './health/watch-health.js';
import { StartFailure } from './start-failure.js';
import { runProcess, type StartOptions } from './start-process.js';

/** What the command's standard input, output and error are (CommandStreams, or descriptors of ours). */
interface Streams {
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

interface Supervision {
  readonly streams: Streams;
  /** The command is about to run. */
  readonly onReady?: (pid: number) => void;
  /** The environment of a daemon that serves this mount alone; this process's by default. */
  readonly environment?: NodeJS.ProcessEnv;
  /** What it writes need not be on disk at its end. */
  readonly isScratch?: boolean;
  /** The command is killed when this process dies. */
  readonly endsWithUs?: boolean;
  /** Its command and the checks of its health are copies of it. */
  readonly template?: CommandTemplate | undefined;
  /** By target: files that are in memory alone. */
  readonly contents?: ReadonlyMap<string, ContentSource>;
  /** `--rm`: removes the tree when its command has ended, or could not begin. */
  readonly remove?: ((options: RemoveOptions) => Promise<void>) | undefined;
}

/**
 * @returns the exit status of the command, when its end is recorded.
 * @throws StartFailure when it cannot be run, UserError when it cannot be mounted; nothing is mounted then.
 */
export async function superviseCommand(
  store: Store,
  record: RunnableRootfs,
  {
    streams,
    onReady,
    endsWithUs = false,
    template,
    contents,
    environment,
    remove,
    isScratch = remove !== undefined,
  }: Supervision,
): Promise<number> {
  const args = commandLine(record);
  const write = isScratch ? noteState : writeState;
  const began = await begin(store, record, { environment, write }).catch((error: unknown) =>
    abandon(store, record, { error, remove }),
  );
  const early: SignalName[] = [];
  let hasStarted = false;
  let health: HealthMonitor | undefined;
  using _forwarding = forwardSignals((name) => {
    if (hasStarted) passSignal(store, record, name);
    else early.push(name);
  });
  try {
    const mounts = namespaceMounts(store, record, { sharesTmpfs: false, contents });
    const cgroups = shownCgroups(began.state.cgroups ?? []);
    const base = enterRequest(store, record, args, { files: began.files, mounts, cgroups });
    const request = { ...base, ownsStreams: streams.areOwn };
    const running = runProcess(request, {
      ...streams.stdio(),
      template,
      endsWithUs,
      onReady: async (pid, attached) => {
        enterCgroups(began.state.cgroups ?? [], pid);
        const state = { ...began.state, neverRan: false, process: processIdentity(pid), attached };
        await recordStart(store, record, state, write);
        noteContainer(store, record, 'start');
        onReady?.(pid);
        health = watchHealth(store, record, { pid, cgroups: began.state.cgroups ?? [], request, template });
        hasStarted = true;
        for (const name of early.splice(0)) passSignal(store, record, name);
      },
    });
    streams.handedOver();
    const status = await running.finally(() => health?.stop());
    await streams.finish();
    return await end(store, record, { status, began, isScratch, remove });
  } catch (error) {
    const status = error instanceof StartFailure ? error.status : 125;
    await end(store, record, { status, began, isScratch, remove, error: messageOf(error) });
    throw error;
  }
}

async function recordStart(
  store: Store,
  record: RunnableRootfs,
  state: CommandState,
  write: typeof writeState,
): Promise<void> {
  using _lock = await lockContainer(store, record);
  write(store, record.id, state);
}

function commandLine({ process: { entrypoint, command } }: RunnableRootfs): string[] {
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

async function begin(
  store: Store,
  record: RunnableRootfs,
  {
    environment,
    write,
  }: { readonly environment: NodeJS.ProcessEnv | undefined; readonly write: typeof writeState },
): Promise<Beginning> {
  using _lock = await lockContainer(store, record);
  const before = containerStatus(store, record);
  if (before.pid !== undefined || isRunning(before.state?.supervisor)) throw runsAlready(record);
  const wasMounted = before.daemon !== undefined;
  // Of a run that nobody saw the end of.
  await removeCgroups(before.state?.cgroups ?? []);
  const cgroups = makeOwnCgroups(record);
  try {
    const files = await (wasMounted
      ? addHostFiles(store, record)
      : mountWithHostFiles(store, record, environment));
    const supervisor = processIdentity(process.pid);
    const startedAt = new Date().toISOString();
    const neverRan = before.state === undefined || before.state.neverRan === true;
    const state = {
      startedAt,
      supervisor,
      ...(cgroups.length === 0 ? {} : { cgroups }),
      ...(neverRan ? { neverRan } : {}),
    };
    write(store, record.id, state);
    return { files, state, wasMounted };
  } catch (error) {
    await removeCgroups(cgroups);
    throw error;
  }
}

function runsAlready({ name }: RunnableRootfs): UserError {
  return new UserError(`cannot start container '${name}': it is running already`, {
    hint: `'plyfs exec ${name} COMMAND' runs another command in it`,
  });
}

interface Abandoned extends Pick<Supervision, 'remove'> {
  readonly error: unknown;
}

/** `--rm` leaves nothing of a container that could not be mounted. */
async function abandon(store: Store, record: Rootfs, { error, remove }: Abandoned): Promise<never> {
  // It may be that it runs already.
  if (remove !== undefined && containerStatus(store, record).status !== 'running')
    await remove({ volumes: true });
  throw error;
}

interface Ending extends Pick<Supervision, 'remove'> {
  readonly status: number;
  readonly began: Beginning;
  readonly isScratch: boolean;
  readonly error?: string;
}

/** Leaves `--rm` nothing to be seen. @returns the status to tell. */
async function end(store: Store, record: RunnableRootfs, ending: Ending): Promise<number> {
  const { status, began, isScratch, remove, error } = ending;
  let exitCode = status;
  let isKept = false;
  {
    using _lock = await lockContainer(store, record);
    const state = readState(store, record.id) ?? began.state;
    if (state.endedBy !== undefined && status === statusOfSignal('SIGKILL'))
      exitCode = statusOfSignal(state.endedBy);
    isKept = state.restarts === true;
    const cgroups = began.state.cgroups ?? [];
    const oomKilled = hadOomKill(cgroups);
    await removeCgroups(cgroups);
    const ended = {
      startedAt: state.startedAt,
      finishedAt: new Date().toISOString(),
      exitCode,
      ...(state.neverRan === true ? { neverRan: true } : {}),
      ...(oomKilled ? { oomKilled } : {}),
      ...(error === undefined ? {} : { error }),
    };
    (isScratch && !isKept ? noteState : writeState)(store, record.id, ended);
    if (oomKilled) noteContainer(store, record, 'oom');
    if (state.process !== undefined) noteContainer(store, record, 'die', { exitCode: String(exitCode) });
    if (!began.wasMounted) {
      const lost = await unmountContainer(store, record, { lazily: true, isScratch: isScratch && !isKept });
      if (lost !== undefined) writeState(store, record.id, { ...ended, lost });
    }
  }
  if (!isKept) await remove?.({ force: true, volumes: true });
  return exitCode;
}
