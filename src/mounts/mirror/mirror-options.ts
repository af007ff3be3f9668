/** What a mirror is made of. */

import type { Statx } from '../../linux/files/statx.js';
import type { CallerIds } from '../../realfs/caller-ids.js';
import type { DescriptorCache } from '../../realfs/descriptor-cache.js';
import type { InodeNumbers } from '../../vfs/inode-numbers.js';
import type { OwnerMap } from './owner-map.js';
import type { Quota } from './quota.js';

export interface MirrorOptions {
  /** O_PATH descriptor of the directory; owned by the file system from now on. */
  readonly rootFd: number;
  readonly readOnly: boolean;
  readonly owners: OwnerMap | undefined;
  /** How long the kernel may trust an answer: 0 where others change the directory too. */
  readonly ttlMs: number;
  /** The storage may say no more than at close that a write has failed: closing a file that is written asks it. */
  readonly saysAtClose?: boolean;
  /** The directory is that of a single file which is shown: it is ours to search, whoever asks. */
  readonly isOfOneFile?: boolean;
  /**
   * Whether an object on another device than the root is shown; it was asked nothing but what the kernel knows of it. Absent: all are,
   * and each is asked.
   */
  readonly mayCross?: (found: Statx) => boolean;
  /** Limit that we keep ourselves. */
  readonly quota: Quota | undefined;
  /** Runs after the last request; removes a private directory. */
  readonly onDetach: () => void;
  readonly callerIds: CallerIds;
  readonly inodeNumbers: InodeNumbers;
  readonly descriptors: DescriptorCache;
}
