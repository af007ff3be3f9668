/**
 * The messages between the daemon's main thread and the session worker that serves /dev/fuse.
 *
 * Order: the worker builds the file systems and says `ready`; main mounts and sends `serve`; the worker answers INIT
 * and says `initialized`. The worker blocks in poll(2), so main writes the eventfd after each message to it.
 */

import type { MountConfig } from './mount-config.js';

export interface SessionWorkerData {
  readonly config: MountConfig;
  /** An eventfd of the main thread's; readable when a message waits. */
  readonly wakeFd: number;
}

export type SessionRequestName = 'why' | 'stats' | 'inspect';

export type ToSession =
  | { readonly kind: 'serve'; readonly fuseFd: number }
  | {
      readonly kind: 'request';
      readonly id: number;
      readonly name: SessionRequestName;
      readonly args: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: 'stop' };

export type FromSession =
  | { readonly kind: 'ready' }
  /** A user's error; the worker exits after it. */
  | { readonly kind: 'failed'; readonly message: string; readonly hint?: string | undefined }
  | { readonly kind: 'initialized'; readonly features: Readonly<Record<string, boolean | number>> }
  | { readonly kind: 'reply'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'reply'; readonly id: number; readonly error: string }
  | { readonly kind: 'log'; readonly line: string }
  | { readonly kind: 'ended'; readonly reason: string };

/** What `why` says of one layer. All paths are bytes (vfs/name.ts). */
export interface WhyStep {
  /** Index of the layer from the bottom, `upper`, or a mount's target. */
  readonly layer: string;
  readonly path: string;
  readonly what: string;
  readonly note?: string;
}

/** The reply to `why`, topmost first. */
export interface WhyReply {
  readonly path: string;
  readonly shown: { readonly kind: string; readonly where: string } | null;
  readonly chain: readonly WhyStep[];
}
