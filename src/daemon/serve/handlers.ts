/**
 * What the control socket answers: `status`, `unmount` and changes of mounts by the main thread, the rest by the session
 * worker.
 */

import type { ResolvedMount } from '../config/mount-config.js';
import type { ControlHandler } from '../messages/control.js';
import type { InspectName } from '../messages/worker-messages.js';
import type { MountSession } from '../session/session.js';
import type { PushOrder } from './push-served-upper.js';
import type { ServedMount } from './serve.js';

/** A session that hangs in storage must not make commands hang. */
const SESSION_TIMEOUT_MS = 5_000;

const forwarded: readonly InspectName[] = ['why', 'stats', 'inspect'];

export function controlHandlers(
  mount: ServedMount,
  session: MountSession,
): ReadonlyMap<string, ControlHandler> {
  return new Map<string, ControlHandler>([
    ['status', () => mount.status()],
    [
      'unmount',
      async (args) => {
        const durable = args.durable === true;
        await mount.unmount({ lazy: args.lazy === true, durable });
        if (durable && args.settle !== false) await mount.settled();
      },
    ],
    ['settled', async () => ({ lost: await mount.lost() })],
    ['config', () => ({ ...mount.currentConfig })],
    // By a command of this version: client/ makes the arguments.
    ['pushUpper', async (args) => mount.pushUpper(args as unknown as PushOrder)],
    ['mountAdd', async (args) => mount.addMount(args.mount as ResolvedMount)],
    ['mountRemove', async (args) => mount.removeMount(String(args.target))],
    ...forwarded.map((name): [string, ControlHandler] => [
      name,
      (args) => session.request(name, args, SESSION_TIMEOUT_MS),
    ]),
  ]);
}
