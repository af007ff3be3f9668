/**
 * A signal for a container's command, which is the first process of its pid namespace. The kernel drops what such a
 * process has no handler for; where any other process would end of it, plyfs ends the command and records that signal.
 */

import { UserError } from '../../errno/user-error.js';
import type { Rootfs } from '../../store/container-record.js';
import type { Store } from '../../store/store.js';
import { isRunning, readState, writeState } from '../record/command-state.js';
import { lockContainer } from '../record/container-lock.js';
import { noteContainer } from '../record/note-container.js';
import { isFatalDefault, type SignalName, send, signalNumber } from '../record/signal.js';

/** @returns false when its command does not run. @throws UserError when the container is gone. */
export async function signalCommand(
  store: Store,
  record: Pick<Rootfs, 'id' | 'name'>,
  name: SignalName,
): Promise<boolean> {
  using _lock = await lockContainer(store, record);
  const state = readState(store, record.id);
  if (state === undefined || !isRunning(state.process)) return false;
  const { pid } = state.process;
  if (isFatalDefault(pid, name)) {
    writeState(store, record.id, { ...state, endedBy: name });
    send(pid, 'SIGKILL');
  } else {
    send(pid, name);
  }
  noteContainer(store, record, 'kill', { signal: String(signalNumber(name)) });
  return true;
}

/** Sends what came to this process in its place; nobody waits, and a command that is gone has no use for it. */
export function passSignal(store: Store, record: Pick<Rootfs, 'id' | 'name'>, name: SignalName): void {
  signalCommand(store, record, name).catch((error: unknown) => {
    if (!(error instanceof UserError)) throw error;
  });
}
