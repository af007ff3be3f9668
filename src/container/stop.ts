/**
 * Ending a container: its command with its stop signal, then by force; then what else runs in it; then its mount.
 */

import { UserError } from '../errno/user-error.js';
import type { ContainerRecord } from '../store/container-record.js';
import type { Store } from '../store/store.js';
import { lockContainer, lockIfThere } from './lock.js';
import { takeMount, untilLetGo } from './mount.js';
import { processesIn } from './processes.js';
import { isRunning, readState, writeState } from './run-state.js';
import { parseSignal, type SignalName, send, statusOfSignal } from './signal.js';
import { signalCommand } from './signal-command.js';
import { type ContainerStatus, mountPointOf, statusOf } from './status.js';

export interface StopWays {
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

/** Nothing is done to a container that does not run. @throws UserError when its mount is in use from outside. */
export async function stopContainer(
  store: Store,
  record: ContainerRecord,
  ways: StopWays = {},
): Promise<void> {
  await endCommand(store, record, ways);
  const status = await takeAway(store, record, ways);
  // Without the lock: what `exec` was just starting waits for it, and keeps the daemon from ending.
  if (status !== undefined) await untilLetGo(status);
}

/** @returns what was mounted. */
async function takeAway(
  store: Store,
  record: ContainerRecord,
  ways: StopWays,
): Promise<ContainerStatus | undefined> {
  // With --rm it goes with its command.
  using lock = lockIfThere(store, record);
  if (lock === undefined) return undefined;
  recordEnd(store, record);
  const status = statusOf(store, record);
  const { isMounted, daemon } = status;
  if (!isMounted) return undefined;
  // Commands of `exec` in a container that was only mounted.
  if (daemon !== undefined) for (const pid of processesIn(mountPointOf(store, record))) send(pid, 'SIGKILL');
  await takeMount(store, record, { lazily: ways.lazily === true, isScratch: ways.isScratch === true });
  return status;
}

async function endCommand(store: Store, record: ContainerRecord, ways: StopWays): Promise<void> {
  const command = readState(store, record.id)?.process;
  if (isRunning(command)) {
    signalCommand(store, record, ways.signal ?? (record.process.stopSignal as SignalName));
    const grace = ways.graceMs ?? record.process.stopTimeoutMs ?? GRACE_MS;
    if (!(await until(() => !isRunning(command), grace < 0 ? Number.POSITIVE_INFINITY : grace))) {
      send(command.pid, 'SIGKILL');
      await until(() => !isRunning(command), SUPERVISOR_MS);
    }
  }
  // Who waits for the command records its end and unmounts; it may be gone, then that is up to us.
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

/** Of a command whose end nobody saw: it was killed together with who waited for it, or the host went down. */
function recordEnd(store: Store, record: ContainerRecord): void {
  const state = readState(store, record.id);
  if (state === undefined || state.finishedAt !== undefined || isRunning(state.process)) return;
  const exitCode =
    state.process === undefined ? {} : { exitCode: statusOfSignal(state.endedBy ?? 'SIGKILL') };
  const error = state.error === undefined ? {} : { error: state.error };
  writeState(store, record.id, {
    startedAt: state.startedAt,
    finishedAt: new Date().toISOString(),
    ...exitCode,
    ...error,
  });
}

/** @throws UserError when it does not run a command. */
export function killContainer(store: Store, record: ContainerRecord, signal: string): void {
  const name = parseSignal(signal);
  if (!signalCommand(store, record, name)) {
    throw new UserError(`cannot kill container '${record.name}': it is not running`);
  }
}

/** The next end of its command does not remove it, `--rm` or not. @returns whether one runs. */
export function keepForRestart(store: Store, record: ContainerRecord): boolean {
  using _lock = lockContainer(store, record);
  const state = readState(store, record.id);
  if (state === undefined || !isRunning(state.process)) return false;
  writeState(store, record.id, { ...state, restarts: true });
  return true;
}
