/**
 * Ending a container: its command with its stop signal, then by force; then what else runs in it; then its mount.
 */

import { UserError } from '../errno/user-error.js';
import type { ContainerRecord } from '../store/container-record.js';
import type { Store } from '../store/store.js';
import { findContainer } from './find.js';
import { lockContainer } from './lock.js';
import { unmountContainer } from './mount.js';
import { processesIn } from './processes.js';
import { type CommandState, isRunning, readState, writeState } from './run-state.js';
import { parseSignal, type SignalName, send, signalFirstProcess } from './signal.js';
import { mountPointOf, statusOf } from './status.js';

export interface StopWays {
  readonly signal?: SignalName | undefined;
  /** Until SIGKILL; a negative one waits for ever. */
  readonly graceMs?: number | undefined;
  /** Busy: detached all the same. */
  readonly lazily?: boolean | undefined;
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
  if (findContainer(store, record.id) === undefined) return;
  using _lock = lockContainer(store, record);
  const { isMounted, daemon } = statusOf(store, record);
  if (!isMounted) return;
  // Commands of `exec` in a container that was only mounted.
  if (daemon !== undefined) for (const pid of processesIn(mountPointOf(store, record))) send(pid, 'SIGKILL');
  await unmountContainer(store, record, { lazily: ways.lazily === true });
  recordEnd(store, record);
}

async function endCommand(store: Store, record: ContainerRecord, ways: StopWays): Promise<void> {
  const state = readState(store, record.id);
  if (state === undefined || !isRunning(state.process)) return untilSupervised(state);
  const { pid } = state.process;
  signalFirstProcess(pid, ways.signal ?? (record.process.stopSignal as SignalName));
  const grace = ways.graceMs ?? GRACE_MS;
  if (!(await until(() => !isRunning(state.process), grace < 0 ? Number.POSITIVE_INFINITY : grace))) {
    send(pid, 'SIGKILL');
    await until(() => !isRunning(state.process), SUPERVISOR_MS);
  }
  await untilSupervised(state);
}

/** Who waits for the command records its end and unmounts; it may be gone, then that is up to us. */
async function untilSupervised(state: CommandState | undefined): Promise<void> {
  await until(() => !isRunning(state?.supervisor), SUPERVISOR_MS);
}

async function until(condition: () => boolean, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (!condition()) {
    if (Date.now() >= deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return true;
}

function recordEnd(store: Store, record: ContainerRecord): void {
  const state = readState(store, record.id);
  if (state === undefined || state.finishedAt !== undefined) return;
  const { process: _process, supervisor: _supervisor, attached: _attached, ...kept } = state;
  // A command whose end nobody saw was killed together with who waited for it.
  const exitCode = state.process === undefined ? {} : { exitCode: 137 };
  writeState(store, record.id, { ...kept, finishedAt: new Date().toISOString(), ...exitCode });
}

/** @throws UserError when it does not run a command. */
export function killContainer(store: Store, record: ContainerRecord, signal: string): void {
  const name = parseSignal(signal);
  const { pid } = statusOf(store, record);
  if (pid === undefined) {
    throw new UserError(`cannot kill container '${record.name}': it runs no command`);
  }
  signalFirstProcess(pid, name);
}
