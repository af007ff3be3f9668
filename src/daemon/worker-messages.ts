/**
 * What the main thread of a daemon and the server of its session, a worker or a process, say to each other.
 *
 * The worker blocks in poll(2): after each message to it the main thread writes the eventfd. Order: `ready` (file
 * systems built), the main thread mounts, `serve`, `initialized` (the mount answers), ..., `ended`.
 */

import type { MountConfig, ResolvedMount } from './mount-config.js';

export type FromWorker =
  | { readonly kind: 'ready' }
  /** A user's error while building; the worker ends, unless a thread of it hangs. */
  | {
      readonly kind: 'failed';
      readonly message: string;
      readonly hint?: string | undefined;
      readonly isHung?: boolean;
    }
  | { readonly kind: 'initialized'; readonly features: Readonly<Record<string, boolean>> }
  | { readonly kind: 'reply'; readonly id: number; readonly value: unknown }
  | {
      readonly kind: 'reply';
      readonly id: number;
      readonly error: string;
      readonly hint?: string | undefined;
    }
  | { readonly kind: 'log'; readonly line: string }
  /** Nothing of a mount that was taken away is in use any more. */
  | { readonly kind: 'unused'; readonly mount: ResolvedMount }
  /** No more requests come; what is in memory is being written out, which a busy disk makes slow. */
  | { readonly kind: 'ending' }
  /** `unmounted`, `stopped`, or what broke; hung when a thread of it is left behind in its storage. */
  | {
      readonly kind: 'ended';
      readonly reason: string;
      readonly isHung?: boolean;
      /** Why the promise to be on disk is broken. */
      readonly notOnDisk?: string | undefined;
    };

export type InspectName = 'why' | 'stats' | 'inspect';
/** What changes the mounts while they are served, and what is left of those taken away; engine `kernel` alone. */
export type ChangeName = 'mountAdd' | 'mountAbandon' | 'mountRemove' | 'lingering';

export type ToWorker =
  /** The first message. The eventfd is for a thread, which is woken by it for each later one. */
  | { readonly kind: 'config'; readonly config: MountConfig; readonly wakeFd?: number }
  | { readonly kind: 'serve'; readonly fuseFd: number }
  /** Instead of `serve`, to a server that mounts by itself. */
  | { readonly kind: 'mount' }
  | {
      readonly kind: 'request';
      readonly id: number;
      readonly name: InspectName | ChangeName;
      readonly args: Readonly<Record<string, unknown>>;
    }
  /** Before an unmount: what was written is to be on disk when the session has ended. */
  | { readonly kind: 'promiseDisk' }
  | { readonly kind: 'stop' };
