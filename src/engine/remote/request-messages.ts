/**
 * What the session loop and the thread of a remote storage say to each other, over a MessagePort that both read
 * synchronously: the loop rings DOORBELL with each message, the thread ANSWER_BELL and the loop's eventfd.
 */

import type { Attr } from '../../vfs/attr.js';
import type { Name } from '../../vfs/name.js';
import type { NodeId } from '../../vfs/node-id.js';

/** No slot: nobody waits for an answer (RELEASE, which the loop has answered). */
export const NO_SLOT = -1;

export type ToRemote =
  /** A whole request as the kernel sent it; its memory is the thread's from now on. */
  | { readonly kind: 'request'; readonly slot: number; readonly bytes: Uint8Array }
  | { readonly kind: 'forget'; readonly node: NodeId; readonly count: number }
  /** The loop has answered a LOOKUP of this root by itself: one reference more. */
  | { readonly kind: 'entered'; readonly node: NodeId }
  /** The session is up: what the thread must know to read requests and to answer them. */
  | { readonly kind: 'serve'; readonly fuseFd: number; readonly setxattrExt: boolean }
  | { readonly kind: 'call'; readonly id: number; readonly call: RemoteCall }
  /** What only the owner of the thread understands. */
  | { readonly kind: 'order'; readonly order: unknown }
  | { readonly kind: 'stop' };

/** Questions that the loop waits for, while targets of mounts are resolved. */
export type RemoteCall =
  | { readonly name: 'lookup'; readonly parent: NodeId; readonly child: Name }
  | { readonly name: 'readlink'; readonly node: NodeId };

export type RemoteAnswer =
  | { readonly found: false }
  | { readonly found: true; readonly node: NodeId; readonly ino: number; readonly mode: number }
  | { readonly content: Name }
  | { readonly errno: number };

export type FromRemote =
  | { readonly kind: 'answer'; readonly id: number; readonly answer: RemoteAnswer }
  | { readonly kind: 'log'; readonly line: string }
  /** What the root of a mount shows by now. */
  | { readonly kind: 'root'; readonly node: NodeId; readonly attr: Attr }
  | { readonly kind: 'event'; readonly event: unknown }
  /** The last message: nothing is open any more, nothing more is written. */
  | { readonly kind: 'stopped' };
