/** Waiting for a container's end. */

import { type ContainerRecord, readContainer } from '../../store/container-record.js';
import type { Store } from '../../store/store.js';
import { isRunning, readState } from '../record/command-state.js';
import { containerStatus } from '../record/status.js';
import { connectSupervisor, untilEnded } from './attach/connect.js';

const POLL_MS = 50;

/** The exit status of its command, 0 when it has run none; that of the last run when it does not run. */
export async function waitForContainer(store: Store, record: ContainerRecord): Promise<number> {
  // Its supervisor tells, also of one that is removed with its end.
  const socket = await connectSupervisor(store, record);
  const status = socket === undefined ? undefined : await untilEnded(socket);
  if (status !== undefined) return status;
  while (isThere(store, record) && mayEnd(store, record)) await pause();
  return readState(store, record.id)?.exitCode ?? 0;
}

/** It runs, or its end is being recorded. */
export function mayEnd(store: Store, record: ContainerRecord): boolean {
  const { status, state } = containerStatus(store, record);
  return status === 'running' || isRunning(state?.supervisor);
}

export function isThere(store: Store, { id }: ContainerRecord): boolean {
  return readContainer(store, id) !== undefined;
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, POLL_MS));
}
