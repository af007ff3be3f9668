/** The thread that volume-thread.ts starts: one use of a volume, or one copy. */

import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../errno/reason.js';
import { UserError } from '../../errno/user-error.js';
import { Store } from '../../store/store.js';
import { cloneVolume } from '../../volume/clone-volume.js';
import { reserveVolume } from '../../volume/use.js';
import type { VolumeOrder, VolumeThreadAnswer } from './volume-thread.js';

const port = parentPort!;
const order = workerData as VolumeOrder;

function tell(answer: VolumeThreadAnswer): void {
  port.postMessage(answer);
}

try {
  const store = new Store(order.root);
  if (order.do === 'clone') {
    await cloneVolume(store, { from: order.name, to: order.to });
  } else {
    const use = reserveVolume(store, order.name);
    port.once('message', () => {
      use[Symbol.dispose]();
      tell({ done: true });
    });
  }
  tell({ done: true });
} catch (error) {
  const hint = error instanceof UserError ? error.hint : undefined;
  tell({ refused: messageOf(error), hint });
}
