/**
 * Another command in a container: in the namespaces of the one that runs, or, in a container that is only mounted, in
 * namespaces of its own.
 *
 * With a terminal, or detached, it has a supervisor as the container's own command has, and goes on when we are gone.
 * Otherwise it has our standard input and output as they are.
 */

import { UserError } from '../../errno/user-error.js';
import type { ContainerRecord } from '../../store/container-record.js';
import type { Store } from '../../store/store.js';
import { enterCgroups, leaveCgroups } from '../cgroup/cgroup.js';
import { makeOwnCgroups } from '../cgroup/own-cgroups.js';
import type { EnterRequest } from '../enter/enter-request.js';
import { environmentEntries, mergeEnvironment } from '../make/environment.js';
import { readState } from '../record/command-state.js';
import { lockContainer } from '../record/container-lock.js';
import { noteContainer } from '../record/note-container.js';
import { isFatalDefault, type SignalName, send, statusOfSignal } from '../record/signal.js';
import { containerStatus } from '../record/status.js';
import { type CapturedStreams, captureCommand } from './attach/capture-command.js';
import type { CommandStreams } from './attach/command-streams.js';
import { followCommand, requestOf, untilStarted } from './attach/follow-command.js';
import { encodeJson, FRAME } from './attach/frames.js';
import { enterRequest, forwardSignals } from './command-order.js';
import type { CommandTemplate } from './command-template.js';
import { StartFailure } from './start-failure.js';
import { runProcess } from './start-process.js';
import { startSupervisor, exitStatusOf as statusOfOutcome } from './start-supervisor.js';
import type { SuperviseRequest } from './supervise-request.js';

interface ExecOptions {
  readonly command: readonly string[];
  readonly environment?: readonly string[] | undefined;
  readonly environmentFiles?: readonly string[] | undefined;
  readonly workingDirectory?: string | undefined;
  readonly user?: string | undefined;
  readonly tty?: boolean | undefined;
  readonly interactive?: boolean | undefined;
  readonly privileged?: boolean | undefined;
  /** Returns when it is about to run. */
  readonly detach?: boolean | undefined;
  readonly detachKeys: Buffer;
  /** A program takes what it prints, instead of our standard output. */
  readonly captured?: CapturedStreams | undefined;
}

/** The container does not run, and is not mounted. */
export class NotRunning extends UserError {
  constructor({ name }: ContainerRecord) {
    super(`container '${name}' is not running`, { hint: `'plyfs start ${name}' runs it` });
    this.name = 'NotRunning';
  }
}

/**
 * @returns the exit status; undefined when it was left, or is detached, and goes on.
 * @throws NotRunning; StartFailure when the command cannot be run.
 */
export async function execInContainer(
  store: Store,
  record: ContainerRecord,
  options: ExecOptions,
): Promise<number | undefined> {
  const { daemon, pid } = containerStatus(store, record);
  if (daemon === undefined) throw new NotRunning(record);
  try {
    const enter = await orderOf(store, record, options, pid);
    const target: Target = { enter, daemonId: daemon.id, pid };
    noteContainer(store, record, `exec_create: ${options.command.join(' ')}`);
    noteContainer(store, record, `exec_start: ${options.command.join(' ')}`);
    const isSupervised = options.tty === true || options.detach === true || options.captured !== undefined;
    const status = await (isSupervised ? execSupervised : execHere)(store, record, options, target);
    if (status !== undefined) noteContainer(store, record, 'exec_die', { exitCode: String(status) });
    return status;
  } catch (error) {
    // What failed then is of no interest: it was stopped or removed meanwhile.
    const now = containerStatus(store, record);
    if (now.daemon === undefined || now.pid !== pid) throw new NotRunning(record);
    throw error;
  }
}

interface Target {
  readonly enter: EnterRequest;
  readonly daemonId: string;
  /** The process of the container's command. */
  readonly pid: number | undefined;
}

async function orderOf(
  store: Store,
  record: ContainerRecord,
  options: ExecOptions,
  pid: number | undefined,
): Promise<EnterRequest> {
  const { process } = record;
  if (options.workingDirectory?.startsWith('/') === false) {
    throw new StartFailure(
      126,
      `the working directory '${options.workingDirectory}' is invalid, it needs to be an absolute path`,
    );
  }
  if (options.command.length === 0) throw new StartFailure(125, 'no command specified');
  const withOptions: ContainerRecord = {
    ...record,
    privileged: options.privileged === true || record.privileged,
    process: {
      ...process,
      environment: mergeEnvironment(
        process.environment,
        environmentEntries(options.environmentFiles ?? [], options.environment ?? []),
      ),
      workingDirectory: options.workingDirectory ?? process.workingDirectory,
      // Docker's: an empty one is none, and not root.
      user: options.user || process.user,
      tty: options.tty === true,
    },
  };
  const { files, mounts } = pid === undefined ? await ownTree(store, record) : { files: [], mounts: [] };
  // A mistyped directory is not to be made.
  const makeDirectory = options.workingDirectory === undefined;
  const request = { ...enterRequest(store, withOptions, options.command, { files, mounts }), makeDirectory };
  if (pid === undefined) return request;
  const { root: _, ...joining } = request;
  return { ...joining, joinPid: pid };
}

/** With our own standard input and output. */
async function execHere(
  store: Store,
  record: ContainerRecord,
  options: ExecOptions,
  { enter, daemonId, pid }: Target,
): Promise<number> {
  const signals = new ExecSignals({ isFirst: pid === undefined });
  using _forwarding = forwardSignals((name) => signals.pass(name));
  using cgroups = cgroupsToEnter(store, record, pid);
  const status = await runProcess(enter, {
    stdio: [options.interactive === true ? 'inherit' : 'ignore', 'inherit', 'inherit'],
    onReady: async (own) => {
      cgroups.enter(own);
      if (pid === undefined) await assertStillMounted(store, record, daemonId);
      signals.to(own);
    },
  });
  return signals.endedBy(status);
}

async function execSupervised(
  store: Store,
  record: ContainerRecord,
  options: ExecOptions,
  { enter, daemonId }: Target,
): Promise<number | undefined> {
  const supervisor = startSupervisor('exec');
  const { captured } = options;
  const stdin = captured === undefined ? options.interactive === true : captured.input !== undefined;
  const attach = options.detach === true ? undefined : requestOf({ stdin, stdout: true, stderr: true });
  const request: SuperviseRequest = {
    kind: 'exec',
    root: store.root,
    id: record.id,
    daemonId,
    enter,
    hasInput: stdin,
    ...(attach === undefined ? {} : { attach }),
  };
  const channel = await supervisor.channel;
  channel.write(encodeJson(FRAME.request, request));
  if (attach === undefined) {
    const outcome = await untilStarted(channel);
    supervisor.forget();
    statusOfOutcome(outcome);
    return undefined;
  }
  if (captured !== undefined) return statusOfOutcome(await captureCommand(channel, captured));
  const { detachKeys } = options;
  const tty = options.tty === true;
  const following = { ...attach, tty, detachKeys, atBrokenOutput: 'tell' } as const;
  return statusOfOutcome(await followCommand(channel, following));
}

/** What its background processes keep open of its output does not hold it up longer. */
const OUTPUT_MS = 1_000;

/** The supervisor's part. */
export async function superviseExec(
  store: Store,
  record: ContainerRecord,
  {
    request,
    streams,
    template,
    onReady,
  }: {
    readonly request: Extract<SuperviseRequest, { kind: 'exec' }>;
    readonly streams: CommandStreams;
    readonly template: CommandTemplate | undefined;
    readonly onReady: (pid: number) => void;
  },
): Promise<number> {
  using cgroups = cgroupsToEnter(store, record, request.enter.joinPid);
  const running = runProcess(
    { ...request.enter, ownsStreams: true },
    {
      ...streams.stdio(),
      template,
      onReady: async (pid) => {
        cgroups.enter(pid);
        if (request.enter.joinPid === undefined) await assertStillMounted(store, record, request.daemonId);
        onReady(pid);
      },
    },
  );
  streams.handedOver();
  const status = await running;
  await streams.finish(OUTPUT_MS);
  return status;
}

interface EnteredCgroups extends Disposable {
  enter(pid: number): void;
}

/** Those of the command that runs; a container that is only mounted has its own while something is in them. */
function cgroupsToEnter(store: Store, record: ContainerRecord, joinPid: number | undefined): EnteredCgroups {
  const isRunning = joinPid !== undefined;
  const paths = isRunning ? (readState(store, record.id)?.cgroups ?? []) : makeOwnCgroups(record);
  return {
    enter: (pid) => enterCgroups(paths, pid),
    [Symbol.dispose]: () => {
      if (!isRunning) leaveCgroups(paths);
    },
  };
}

/** Signals to us are for the command, from the first moment on. */
class ExecSignals {
  readonly #isFirst: boolean;
  readonly #early: SignalName[] = [];
  #pid: number | undefined;
  #fatal: SignalName | undefined;

  constructor({ isFirst }: { readonly isFirst: boolean }) {
    this.#isFirst = isFirst;
  }

  to(pid: number): void {
    this.#pid = pid;
    for (const name of this.#early.splice(0)) this.pass(name);
  }

  /** Any other process than the first of its namespace gets all signals. */
  pass(name: SignalName): void {
    if (this.#pid === undefined) this.#early.push(name);
    else if (this.#isFirst && isFatalDefault(this.#pid, name)) {
      this.#fatal = name;
      send(this.#pid, 'SIGKILL');
    } else send(this.#pid, name);
  }

  /** The status to tell, given that of the process. */
  endedBy(status: number): number {
    const isKilled = this.#fatal !== undefined && status === statusOfSignal('SIGKILL');
    return isKilled ? statusOfSignal(this.#fatal as SignalName) : status;
  }
}

/**
 * The mount may have been taken away while the command entered it. Under the lock, which `stop` holds while it looks for
 * commands and unmounts: it sees this one, whose root directory is the mount by now, or this one sees that it is gone.
 */
async function assertStillMounted(store: Store, record: ContainerRecord, daemonId: string): Promise<void> {
  using _lock = await lockContainer(store, record);
  if (containerStatus(store, record).daemon?.id !== daemonId) throw new NotRunning(record);
}

/** In a container that is only mounted each command has a namespace of its own. */
async function ownTree(
  store: Store,
  record: ContainerRecord,
): Promise<Pick<EnterRequest, 'files' | 'mounts'>> {
  // They look into layers, of which a container that runs needs nothing.
  const { addHostFiles } = await import('../tree/mount-container.js');
  const { namespaceMounts } = await import('../tree/namespace-mounts.js');
  using _lock = await lockContainer(store, record);
  const files = await addHostFiles(store, record);
  return { files, mounts: namespaceMounts(store, record, { sharesTmpfs: true }) };
}
