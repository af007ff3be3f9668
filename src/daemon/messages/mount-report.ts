/** What `inspect` says of one mount over the union, and what a changed mount means to the kernel's caches. */

import type { Lack } from '../../mounts/kinds/trial.js';
import type { Name } from '../../vfs/name.js';
import type { NodeId } from '../../vfs/node-id.js';

/** All strings are text. */
export interface MountReport {
  readonly type: string;
  readonly target: string;
  readonly source: string;
  readonly readOnly: boolean;
  /** The option as typed. */
  readonly spec: string;
  /** `thread`: of its own, so that it hangs alone. */
  readonly servedBy: 'loop' | 'thread';
  /** The file system type of remote storage. */
  readonly storage?: string;
  readonly timeoutMs?: number;
  /** What remote storage cannot do. */
  readonly lacks?: readonly Lack[];
  /** Why that is not known. */
  readonly untried?: string;
  /** Requests that wait for the storage now, and for how long the oldest of them has. */
  readonly waiting?: { readonly requests: number; readonly oldestMs: number };
}

/** A name of which the kernel must forget what it knows. */
export interface Renewed {
  readonly directory: NodeId;
  readonly name: Name;
}
