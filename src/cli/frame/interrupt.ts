/**
 * Ctrl-C, and SIGTERM, in a command that makes things in the store: what is half made goes at once, not when the next
 * command mends the store.
 */

import type { Store } from '../../store/store.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * From now on such a signal cleans the store, and then ends the process as if nobody had caught it. While others listen
 * too (a command that is run is given the signal), it is theirs.
 */
export function cleanWhenInterrupted(store: Store): void {
  for (const signal of SIGNALS) {
    const end = (): void => {
      if (process.listenerCount(signal) > 1) return;
      process.off(signal, end);
      try {
        store.abandon();
      } finally {
        process.kill(process.pid, signal);
      }
    };
    process.on(signal, end);
  }
}
