/**
 * Another command in a container: in the namespaces of the one that runs, or, in a container that is only mounted, in
 * namespaces of its own.
 *
 * With a terminal, or detached, it has a supervisor as the container's own command has, and goes on when we are gone.
 * Otherwise it has our standard input and output as they are.
 */

import { UserError } from '../errno/user-error.js';
import type { ContainerRecord } from '../store/container-record.js';
import type { Store } from '../store/store.js';
import { followCommand, requestOf, untilStarted } from './attach/client.js';
import type { CommandStreams } from './attach/command-streams.js';
import { encodeJson, FRAME } from './attach/frames.js';
import type { EnterOrder } from './enter/order.js';
import { mergeEnvironment } from './environment.js';
import type { HostFile } from './host-files.js';
import { lockContainer } from './lock.js';
import { addHostFiles } from './mount.js';
import { namespaceMounts } from './namespace-mounts.js';
import { startSupervisor, statusOf as statusOfOutcome } from './run.js';
import { isFatalDefault, type SignalName, send, statusOfSignal } from './signal.js';
import { runProcess, StartFailure } from './start-process.js';
import { statusOf } from './status.js';
import { enterOrder, forwardSignals } from './supervise.js';
import type { SuperviseOrder } from './supervise-order.js';

export interface ExecWish {
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
  wish: ExecWish,
): Promise<number | undefined> {
  const { daemon, pid } = statusOf(store, record);
  if (daemon === undefined) throw new NotRunning(record);
  const enter = await orderOf(store, record, wish, pid);
  const target: Target = { enter, daemonId: daemon.id, pid };
  try {
    if (wish.tty === true || wish.detach === true) return await execSupervised(store, record, wish, target);
    return await execHere(store, record, wish, target);
  } catch (error) {
    // What failed then is of no interest: it was stopped or removed meanwhile.
    const now = statusOf(store, record);
    if (now.daemon === undefined || now.pid !== pid) throw new NotRunning(record);
    throw error;
  }
}

interface Target {
  readonly enter: EnterOrder;
  readonly daemonId: string;
  /** Of the container's command. */
  readonly pid: number | undefined;
}

async function orderOf(
  store: Store,
  record: ContainerRecord,
  wish: ExecWish,
  pid: number | undefined,
): Promise<EnterOrder> {
  const { process } = record;
  if (wish.workingDirectory?.startsWith('/') === false) {
    throw new UserError(
      `the working directory '${wish.workingDirectory}' is invalid, it needs to be an absolute path`,
    );
  }
  if (wish.command.length === 0) throw new StartFailure(125, 'no command specified');
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
  const files = pid === undefined ? await hostFiles(store, record) : [];
  // Each such command has a namespace of its own.
  const mounts = pid === undefined ? namespaceMounts(store, record, { sharesTmpfs: true }) : [];
  // A mistyped directory is not to be made.
  const makeDirectory = wish.workingDirectory === undefined;
  const order = { ...enterOrder(store, withOptions, wish.command, { files, mounts }), makeDirectory };
  if (pid === undefined) return order;
  const { root: _, ...joining } = order;
  return { ...joining, joinPid: pid };
}

/** With our own standard input and output. */
async function execHere(
  store: Store,
  record: ContainerRecord,
  wish: ExecWish,
  { enter, daemonId, pid }: Target,
): Promise<number> {
  const signals = new ExecSignals({ isFirst: pid === undefined });
  using _forwarding = forwardSignals((name) => signals.pass(name));
  const status = await runProcess(enter, {
    stdio: [wish.interactive === true ? 'inherit' : 'ignore', 'inherit', 'inherit'],
    onReady: (own) => {
      if (pid === undefined) assertStillMounted(store, record, daemonId);
      signals.to(own);
    },
  });
  return signals.endedBy(status);
}

async function execSupervised(
  store: Store,
  record: ContainerRecord,
  wish: ExecWish,
  { enter, daemonId }: Target,
): Promise<number | undefined> {
  const supervisor = startSupervisor();
  const stdin = wish.interactive === true;
  const attach = wish.detach === true ? undefined : requestOf({ stdin, stdout: true, stderr: true });
  const order: SuperviseOrder = {
    kind: 'exec',
    root: store.root,
    id: record.id,
    daemonId,
    enter,
    hasInput: stdin,
    ...(attach === undefined ? {} : { attach }),
  };
  supervisor.channel.write(encodeJson(FRAME.order, order));
  if (attach === undefined) {
    const outcome = await untilStarted(supervisor.channel);
    supervisor.forget();
    statusOfOutcome(outcome);
    return undefined;
  }
  const { detachKeys } = wish;
  const tty = wish.tty === true;
  return statusOfOutcome(await followCommand(supervisor.channel, { ...attach, tty, detachKeys }));
}

/** What its background processes keep open of its output does not hold it up longer. */
const OUTPUT_MS = 1_000;

/** The supervisor's part. */
export async function superviseExec(
  store: Store,
  record: ContainerRecord,
  {
    order,
    streams,
    onReady,
  }: {
    readonly order: Extract<SuperviseOrder, { kind: 'exec' }>;
    readonly streams: CommandStreams;
    readonly onReady: (pid: number) => void;
  },
): Promise<number> {
  const running = runProcess(
    { ...order.enter, ownsStreams: true },
    {
      ...streams.stdio(),
      onReady: (pid) => {
        if (order.enter.joinPid === undefined) assertStillMounted(store, record, order.daemonId);
        onReady(pid);
      },
    },
  );
  streams.handedOver();
  const status = await running;
  await streams.finish(OUTPUT_MS);
  return status;
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
function assertStillMounted(store: Store, record: ContainerRecord, daemonId: string): void {
  using _lock = lockContainer(store, record);
  if (statusOf(store, record).daemon?.id !== daemonId) throw new NotRunning(record);
}

async function hostFiles(store: Store, record: ContainerRecord): Promise<HostFile[]> {
  using _lock = lockContainer(store, record);
  return addHostFiles(store, record);
}
