/** Tells the mount namespace of a container's running command of a mount that came or went (enter/namespace/change-main.ts). */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../errno/user-error.js';
import type { ContainerRecord } from '../../store/container-record.js';
import type { Store } from '../../store/store.js';
import type { ChangeReply, ChangeRequest } from '../enter/namespace/change-request.js';
import { isRunning, readState, writeState } from '../record/command-state.js';
import { mayChangeUser } from '../record/may-change-user.js';
import { mountPointOf } from '../record/status.js';

const TIMEOUT_MS = 20_000;

/**
 * Nothing where no command runs: the next one gets all that is recorded.
 * PRECONDITION: the container is locked, and its tree shows the change.
 * @throws UserError
 */
export function tellNamespace(
  store: Store,
  record: ContainerRecord,
  change: Pick<ChangeRequest, 'add' | 'remove'>,
): void {
  const state = readState(store, record.id);
  if (state === undefined || !isRunning(state.process)) return;
  const { pid } = state.process;
  const request: ChangeRequest = {
    ...change,
    pid,
    root: mountPointOf(store, record),
    rootless: !mayChangeUser(),
    privileged: record.privileged,
    attached: state.attached ?? [],
  };
  const reply = ask(request);
  if (reply.ok) writeState(store, record.id, { ...state, attached: reply.attached });
  // Its mounts went with it.
  else if (isRunning(state.process)) throw new UserError(reply.message, { hint: reply.hint });
}

function ask(request: ChangeRequest): ChangeReply {
  const script = fileURLToPath(new URL('../enter/namespace/change-main.js', import.meta.url));
  const enter = ['nsenter', '--target', String(request.pid), '--user', '--preserve-credentials', '--'];
  const [program = '', ...args] = [...(request.rootless ? enter : []), process.execPath, script];
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    input: JSON.stringify(request),
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  if (status === 0) return JSON.parse(stdout) as ChangeReply;
  return { ok: false, message: `cannot enter the container: ${error?.message ?? stderr.trim()}` };
}
