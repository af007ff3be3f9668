/**
 * What the control socket answers: `status`, `unmount` and changes of mounts by the main thread, the rest by the session
 * worker.
 */

import type { ControlHandler } from './control.js';
import type { ResolvedMount } from './mount-config.js';
import type { ServedMount } from './serve.js';
import type { Session } from './session.js';
import type { InspectName } from './worker-messages.js';

/** A session that hangs in storage must not make commands hang. */
const SESSION_TIMEOUT_MS = 5_000;

const forwarded: readonly InspectName[] = ['why', 'stats', 'inspect'];

export function controlHandlers(mount: ServedMount, session: Session): ReadonlyMap<string, ControlHandler> {
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
    ['mountAdd', async (args) => mount.addMount(args.mount as ResolvedMount)],
    ['mountRemove', async (args) => mount.removeMount(String(args.target))],
    ...forwarded.map((name): [string, ControlHandler] => [
      name,
      (args) => session.request(name, args, SESSION_TIMEOUT_MS),
    ]),
  ]);
}
