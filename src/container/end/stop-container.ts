/**
 * Ending a container: its command with its stop signal, then by force; then what else runs in it; then its mount.
 */

import { UserError } from '../../errno/user-error.js';
import type { ContainerRecord } from '../../store/container-record.js';
import type { Store } from '../../store/store.js';
import { removeCgroups } from '../cgroup/cgroup.js';
import { isRunning, readState, writeState } from '../record/command-state.js';
import { lockContainer, lockIfThere } from '../record/container-lock.js';
import { noteContainer } from '../record/note-container.js';
import { parseSignal, type SignalName, send, statusOfSignal } from '../record/signal.js';
import { containerStatus, mountPointOf } from '../record/status.js';
import { type LetGo, type TakenMount, takeMount, untilLetGo } from '../tree/unmount-container.js';
import { processesIn } from './processes.js';
import { signalCommand } from './signal-command.js';

export interface StopOptions {
  readonly signal?: SignalName | undefined;
  /** Until SIGKILL; a negative one waits for ever. */
  readonly graceMs?: number | undefined;
  /** Busy: detached all the same. */
  readonly lazily?: boolean | undefined;
  /** It is removed next: nothing of it needs to be on disk. */
  readonly isScratch?: boolean | undefined;
}

const GRACE_MS = 10_000;
const POLL_MS = 10;
/** The supervisor unmounts after the command's end. */
const SUPERVISOR_MS = 15_000;

/**
 * Nothing is done to a container that does not run.
 * @returns the process that serves its mount on, for another mount namespace or for who has files of it open.
 * @throws UserError when its mount is in use from outside; when it is stopped, and what it wrote is not on disk.
 */
export async function stopContainer(
  store: Store,
  record: ContainerRecord,
  options: StopOptions = {},
): Promise<number | undefined> {
  const ran = isRunning(readState(store, record.id)?.supervisor);
  await endCommand(store, record, options);
  const taken = await takeAway(store, record, options);
  // Without the lock: what `exec` was just starting waits for it, and keeps the daemon from ending.
  const { lost, servedOnBy }: LetGo = taken === undefined ? {} : await untilLetGo(store, record, taken);
  if (ran && options.isScratch !== true) noteContainer(store, record, 'stop');
  const lostBefore = ran ? readState(store, record.id)?.lost : undefined;
  const reason = lost ?? lostBefore;
  if (reason !== undefined && options.isScratch !== true)
    throw new UserError(`container '${record.name}' is stopped, but ${reason}`);
  return servedOnBy;
}

/** @returns what was mounted. */
async function takeAway(
  store: Store,
  record: ContainerRecord,
  options: StopOptions,
): Promise<TakenMount | undefined> {
  // With --rm it goes with its command.
  using lock = await lockIfThere(store, record);
  if (lock === undefined) return undefined;
  const cgroups = recordEnd(store, record);
  const { isMounted, daemon } = containerStatus(store, record);
  if (!isMounted) {
    await removeCgroups(cgroups);
    return undefined;
  }
  // Commands of `exec` in a container that was only mounted.
  if (daemon !== undefined) for (const pid of processesIn(mountPointOf(store, record))) send(pid, 'SIGKILL');
  await removeCgroups(cgroups);
  return await takeMount(store, record, {
    lazily: options.lazily === true,
    isScratch: options.isScratch === true,
  });
}

async function endCommand(store: Store, record: ContainerRecord, options: StopOptions): Promise<void> {
  const command = readState(store, record.id)?.process;
  if (isRunning(command)) {
    await signalCommand(store, record, options.signal ?? (record.process.stopSignal as SignalName));
    const grace = options.graceMs ?? record.process.stopTimeoutMs ?? GRACE_MS;
    if (!(await until(() => !isRunning(command), grace < 0 ? Number.POSITIVE_INFINITY : grace))) {
      send(command.pid, 'SIGKILL');
      await until(() => !isRunning(command), SUPERVISOR_MS);
    }
  }
  // The supervisor records the command's end and unmounts; where it is gone, this process does.
  await until(() => !isRunning(readState(store, record.id)?.supervisor), SUPERVISOR_MS);
}

async function until(condition: () => boolean, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (!condition()) {
    if (Date.now() >= deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return true;
}

/**
 * Records the end of a command that nobody saw: it was killed together with its supervisor, or the host went down.
 * @returns the cgroups that it has left.
 */
function recordEnd(store: Store, record: ContainerRecord): readonly string[] {
  const state = readState(store, record.id);
  if (state === undefined || state.finishedAt !== undefined || isRunning(state.process)) return [];
  const exitCode =
    state.process === undefined ? {} : { exitCode: statusOfSignal(state.endedBy ?? 'SIGKILL') };
  const error = state.error === undefined ? {} : { error: state.error };
  if ('exitCode' in exitCode) noteContainer(store, record, 'die', { exitCode: String(exitCode.exitCode) });
  writeState(store, record.id, {
    startedAt: state.startedAt,
    finishedAt: new Date().toISOString(),
    ...exitCode,
    ...(state.neverRan === true ? { neverRan: true } : {}),
    ...error,
  });
  return state.cgroups ?? [];
}

/** @throws UserError when it does not run a command. */
export async function killContainer(store: Store, record: ContainerRecord, signal: string): Promise<void> {
  const name = parseSignal(signal);
  if (!(await signalCommand(store, record, name))) {
    throw new UserError(`cannot kill container '${record.name}': it is not running`);
  }
}

/** The next end of its command does not remove it, `--rm` or not. @returns whether one runs. */
export async function keepForRestart(store: Store, record: ContainerRecord): Promise<boolean> {
  using _lock = await lockContainer(store, record);
  const state = readState(store, record.id);
  if (state === undefined || !isRunning(state.process)) return false;
  writeState(store, record.id, { ...state, restarts: true });
  return true;
}
