/**
 * What the main thread of a daemon and the server of its session, a worker or a process, say to each other.
 *
 * A serving thread blocks in epoll_wait(2): after each message to it the main thread writes its eventfd. Order for a session: `ready` (file
 * systems built), the main thread mounts, `serve`, `initialized` (the mount answers), ..., `ended`.
 */

import type { KeptCode } from '../../engine/threads/kept-code.js';
import type { MountConfig, ResolvedMount } from '../config/mount-config.js';
import type { FailedOperation } from './activity-report.js';

export type FromWorker =
  | { readonly kind: 'ready' }
  /** A user's error while building; the worker ends, unless a thread of it hangs. */
  | {
      readonly kind: 'failed';
      readonly message: string;
      readonly hint?: string | undefined;
      readonly isHung?: boolean;
    }
  | {
      readonly kind: 'initialized';
      readonly features: Readonly<Record<string, boolean>>;
      /** What another process would need could not be kept. */
      readonly isNotKept?: boolean;
    }
  | { readonly kind: 'reply'; readonly id: number; readonly value: unknown }
  | {
      readonly kind: 'reply';
      readonly id: number;
      readonly error: string;
      readonly hint?: string | undefined;
    }
  | { readonly kind: 'log'; readonly line: string }
  | { readonly kind: 'failure'; readonly failure: FailedOperation }
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
      /** With the reason `crashed`: what it has thrown. */
      readonly crash?: { readonly message: string; readonly stack?: string } | undefined;
    };

/** From a serving thread; session 0 is the thread itself. */
export interface FromThread {
  readonly session: number;
  readonly message:
    | FromWorker
    /** The first burst of requests: somebody is to read lines out of the pipe, and to close this end of it. */
    | { readonly kind: 'burst'; readonly readFd: number };
}

/** What outlives the process, for one that takes the mount over. */
export interface KeptDescriptors {
  /** The two sockets of the mount's store: linux/io/descriptor-store.ts. */
  readonly inward: number;
  readonly outward: number;
  /** Descriptors of a process that died. */
  readonly left?: LeftDescriptors | undefined;
}

export interface LeftDescriptors {
  /** Its records, and how many processes have served the mount. */
  readonly recordsFd: number;
  readonly generation: number;
  /** Files without a name: node id and descriptor. */
  readonly orphans: readonly (readonly [number, number])[];
  /** What is mounted over the union, in JSON (session/kept/kept-mounts.ts), and how often that was written; undefined: nothing. */
  readonly mountsFd: number | undefined;
  readonly mountsGeneration: number;
  /** Roots of what is mounted, by the numbers of the file systems. */
  readonly sources: ReadonlyMap<number, number>;
}

export type InspectName = 'why' | 'stats' | 'inspect';
/** What changes the mounts, or the layers, while they are served, and what is left of those taken away; engine `kernel` alone. */
export type ChangeName = 'mountAdd' | 'mountAbandon' | 'mountRemove' | 'lingering' | 'pushUpper' | 'keepAnew';

export type ToWorker =
  /** The first message. */
  | { readonly kind: 'config'; readonly config: MountConfig }
  /** Both are the main thread's to close; the worker empties them when the session is over. */
  | {
      readonly kind: 'serve';
      readonly fuseFd: number;
      readonly locks: readonly number[];
      readonly kept?: KeptDescriptors | undefined;
    }
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

/** To a serving thread; session 0 is the thread itself, which leaves when it serves nobody any more. */
export interface ToThread {
  readonly session: number;
  readonly message:
    | ToWorker
    /** Threads that it starts from now on begin with this. */
    | { readonly kind: 'code'; readonly code: KeptCode }
    | { readonly kind: 'leave' };
}

/** workerData of a serving thread. */
export interface ThreadStart {
  /** thread-words.ts */
  readonly words: Int32Array;
  /** For threads that it starts; a thread of the daemon's beginning gets it by a message. */
  readonly code?: KeptCode;
}
