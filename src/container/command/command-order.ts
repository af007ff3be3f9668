/** What the process that becomes a command is told, and the signals that are the command's. */

import type { RunnableRootfs } from '../../store/container-record.js';
import type { Store } from '../../store/store.js';
import type { EnterRequest } from '../enter/enter-request.js';
import { mayChangeUser } from '../record/may-change-user.js';
import { FORWARDED, type SignalName } from '../record/signal.js';
import { mountPointOf } from '../record/status.js';

export function enterRequest(
  store: Store,
  record: RunnableRootfs,
  args: readonly string[],
  over: Pick<EnterRequest, 'files' | 'mounts' | 'cgroups'>,
): EnterRequest {
  const { environment, workingDirectory, user, tty } = record.process;
  return {
    root: mountPointOf(store, record),
    hostname: record.hostname,
    ...over,
    args,
    environment,
    workingDirectory,
    makeDirectory: true,
    user,
    terminal: tty,
    ownsStreams: false,
    privileged: record.privileged,
    runtime: record.runtime ?? {},
    rootless: !mayChangeUser(),
    ...(record.network === undefined ? {} : { network: record.network }),
  };
}

/** What comes to this process goes to a command, from the first moment on. */
export function forwardSignals(pass: (name: SignalName) => void): Disposable {
  const listeners = FORWARDED.map((name) => {
    const listener = () => pass(name);
    process.on(name, listener);
    return { name, listener };
  });
  return {
    [Symbol.dispose]: () => {
      for (const { name, listener } of listeners) process.off(name, listener);
    },
  };
}
