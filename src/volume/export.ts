/**
 * A volume as a tar: owners, modes, times, xattrs, hard links, large sparse files.
 */

import { check } from '../errno/fs-error.js';
import { CallerIds } from '../files/caller-ids.js';
import { DescriptorCache } from '../files/descriptor-cache.js';
import { writeToDisk } from '../files/write-to-disk.js';
import { tarOfTree } from '../image/tree/tar-tree.js';
import { AT_FDCWD, O_DIRECTORY, O_PATH } from '../linux/constants.js';
import { openat } from '../linux/open.js';
import { MirrorFileSystem } from '../mounts/mirror-file-system.js';
import type { Store } from '../store/store.js';
import { InodeNumbers } from '../vfs/inode-numbers.js';
import { nameFromText } from '../vfs/name.js';
import { useVolume } from './use.js';

export interface ExportedVolume extends Disposable {
  readonly chunks: Iterable<Buffer>;
  /** What was left out, with how many entries; complete when the chunks are read. */
  readonly notices: ReadonlyMap<string, number>;
}

const DESCRIPTOR_LIMIT = 64;

/** @throws UserError when there is no such volume, or its storage cannot be mounted. */
export function exportVolume(store: Store, name: string): ExportedVolume {
  const use = useVolume(store, name);
  try {
    writeToDisk([nameFromText(use.path)]);
    const rootFd = openat(AT_FDCWD, nameFromText(use.path), O_PATH | O_DIRECTORY);
    const tree = new MirrorFileSystem({
      rootFd: check(rootFd, 'open', use.path),
      readOnly: true,
      owners: undefined,
      ttlMs: 0,
      quota: undefined,
      onDetach: () => undefined,
      callerIds: new CallerIds(false),
      inodeNumbers: new InodeNumbers(),
      descriptors: new DescriptorCache(DESCRIPTOR_LIMIT),
    });
    const { chunks, notices } = tarOfTree(tree);
    return {
      chunks,
      notices,
      [Symbol.dispose]: () => {
        tree.detach();
        use[Symbol.dispose]();
      },
    };
  } catch (error) {
    use[Symbol.dispose]();
    throw error;
  }
}
