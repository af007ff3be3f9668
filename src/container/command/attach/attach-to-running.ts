/** Attaching to a command that runs already. */

import { UserError } from '../../../errno/user-error.js';
import type { ContainerRecord } from '../../../store/container-record.js';
import type { Store } from '../../../store/store.js';
import { containerStatus } from '../../record/status.js';
import {
  type AttachedRunOptions,
  clientOptions,
  exitStatusOf as statusOfOutcome,
} from '../start-supervisor.js';
import { connectSupervisor } from './connect.js';
import { followCommand, requestOf } from './follow-command.js';

/** @throws UserError when there is no command to attach to. */
export function assertRuns(store: Store, record: ContainerRecord): void {
  if (containerStatus(store, record).pid !== undefined) return;
  throw new UserError('cannot attach to a stopped container', {
    hint: `'plyfs start ${record.name}' starts it`,
  });
}

/** @returns the exit status; undefined when it was left and goes on. @throws UserError when it does not run. */
export async function attachToRunning(
  store: Store,
  record: ContainerRecord,
  options: AttachedRunOptions,
): Promise<number | undefined> {
  assertRuns(store, record);
  const socket = await connectSupervisor(store, record, requestOf(options));
  if (socket === undefined) {
    throw new UserError(`cannot attach to container '${record.name}': who waits for its command is gone`, {
      hint: `'plyfs restart ${record.name}' mends that`,
    });
  }
  return statusOfOutcome(await followCommand(socket, clientOptions(store, record, options)));
}
