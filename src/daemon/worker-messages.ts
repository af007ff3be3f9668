/**
 * What the main thread of a daemon and its session worker say to each other.
 *
 * The worker blocks in poll(2): after each message to it the main thread writes the eventfd. Order: `ready` (file
 * systems built), the main thread mounts, `serve`, `initialized` (the mount answers), ..., `ended`.
 */

export type FromWorker =
  | { readonly kind: 'ready' }
  /** A user's error while building; the worker ends. */
  | { readonly kind: 'failed'; readonly message: string; readonly hint?: string | undefined }
  | { readonly kind: 'initialized'; readonly features: Readonly<Record<string, boolean>> }
  | { readonly kind: 'reply'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'reply'; readonly id: number; readonly error: string }
  | { readonly kind: 'log'; readonly line: string }
  /** `unmounted`, `stopped`, or what broke. */
  | { readonly kind: 'ended'; readonly reason: string };

export type InspectName = 'why' | 'stats' | 'inspect';

export type ToWorker =
  | { readonly kind: 'serve'; readonly fuseFd: number }
  | {
      readonly kind: 'request';
      readonly id: number;
      readonly name: InspectName;
      readonly args: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: 'stop' };
