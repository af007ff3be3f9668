/** What the session worker orders of the thread of a remote storage, beside requests, and what it hears of it. */

import type { MessagePort } from 'node:worker_threads';
import type { UserError } from '../../errno/user-error.js';
import type { Trial } from '../../mounts/kinds/trial.js';
import type { PointChange } from '../../mounts/points/mount-attachments.js';
import { REMOTE_LIMIT_MS, silentStorage } from '../../mounts/remote/probe-source.js';
import type { Attr } from '../../vfs/attr.js';
import { displayName, type Name } from '../../vfs/name.js';
import type { ResolvedMount } from '../config/mount-config.js';

/** workerData of the thread. */
export interface RemoteThreadData {
  readonly words: SharedArrayBuffer;
  readonly port: MessagePort;
  readonly wakeFd: number;
  readonly mountpoint: Name;
  readonly fileLimit: number;
  /** Where its inode numbers begin, in strides of vfs/inode-numbers.ts. */
  readonly firstStride: number;
}

export type RemoteCommand =
  /** Open the source of a mount, which has this number in the mount; answered `opened` or `refused`. */
  | { readonly kind: 'open'; readonly owner: number; readonly mount: ResolvedMount }
  | { readonly kind: 'point'; readonly change: PointChange }
  /** It has no mount point any more; `unused` follows with the end of its last user. */
  | { readonly kind: 'remove'; readonly owner: number }
  /** The mount never came about: take away what opening it has made. */
  | { readonly kind: 'undo' };

export interface OpenedRemote {
  readonly fileName: Name | undefined;
  readonly root: Attr;
  readonly trial: Trial;
}

export type RemoteEvent =
  | { readonly kind: 'opened'; readonly owner: number; readonly opened: OpenedRemote }
  | {
      readonly kind: 'refused';
      readonly owner: number;
      readonly message: string;
      readonly hint?: string | undefined;
    }
  | { readonly kind: 'unused'; readonly owner: number };

export function openLimitMs({ request }: ResolvedMount): number {
  return request.timeoutMs ?? REMOTE_LIMIT_MS;
}

/** What to say of a source that does not open in time. */
export function silence(mount: ResolvedMount): UserError {
  const { request, hostPath } = mount;
  return silentStorage({
    path: displayName(hostPath ?? ''),
    limitMs: request.timeoutMs,
    what: `cannot mount '${request.spec}'`,
  });
}
