/**
 * A signal for a container's command, which is the first process of its pid namespace. The kernel drops what such a
 * process has no handler for; where any other process would end of it, plyfs ends the command and records that signal.
 */

import type { ContainerRecord } from '../store/container-record.js';
import type { Store } from '../store/store.js';
import { lockContainer } from './lock.js';
import { isRunning, readState, writeState } from './run-state.js';
import { isFatalDefault, type SignalName, send } from './signal.js';

/** @returns false when its command does not run. PRECONDITION: this process has not locked the container. */
export function signalCommand(store: Store, record: ContainerRecord, name: SignalName): boolean {
  using _lock = lockContainer(store, record);
  const state = readState(store, record.id);
  if (state === undefined || !isRunning(state.process)) return false;
  const { pid } = state.process;
  if (isFatalDefault(pid, name)) {
    writeState(store, record.id, { ...state, endedBy: name });
    send(pid, 'SIGKILL');
  } else {
    send(pid, name);
  }
  return true;
}
