/**
 * Copies of what a mount of RUN shows, where the files themselves will not do: it may be written to, or it has files
 * that `.dockerignore` names. They lie beside the working tree, and go with it.
 */

import { readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { copyPolicy } from '../../../container/copy/copy-policy.js';
import { containerTree, findSource, hostTree } from '../../../container/copy/copy-target.js';
import { check } from '../../../errno/fs-error.js';
import { O_DIRECTORY, O_PATH } from '../../../linux/constants.js';
import { close } from '../../../linux/files/open.js';
import { TreeCopy } from '../../../realfs/tree-copy/walk.js';
import { nameFromText, textFromName } from '../../../vfs/name.js';
import { PathFilter } from '../../context/path-filter.js';
import { selectFiles } from '../../context/select-files.js';
import type { SourceTree } from '../../context/source-tree.js';
import type { StageTools } from '../../stage/stage-build.js';
import { WorkingTree } from '../../stage/working-tree.js';
import { defaultOwner } from '../../stage/write-files.js';

/** @returns a path of the host. */
export function copiedSource(tree: WorkingTree, source: SourceTree, path: string): string {
  const home = tree.addDirectory();
  copyInto(home, source, path);
  return join(home, 'source');
}

/** What is at the path becomes `source` in the directory. */
export function copyInto(home: string, source: SourceTree, path: string): void {
  const { includes } = selectFiles(source, path);
  const owners = source.keepsOwners === true ? 'keep' : defaultOwner();
  using found = findSource(source.tree, path === '' ? '.' : path, { followLink: true });
  using copy = new TreeCopy(copyPolicy(owners, { includes }));
  const target = check(hostTree('/').open(nameFromText(home), O_PATH | O_DIRECTORY), 'open', home);
  try {
    copy.object({ dirfd: found.directoryFd, name: found.name }, { dirfd: target, name: 'source' });
  } finally {
    close(target);
  }
}

export interface OpenedImage extends AsyncDisposable {
  readonly source: SourceTree;
}

/** The tree of layers, mounted for as long as it is held. */
export async function openImageSource(
  { store, intent }: Pick<StageTools, 'store' | 'intent'>,
  layers: readonly string[],
): Promise<OpenedImage> {
  const tree = new WorkingTree(store, intent, layers);
  const root = await tree.open();
  return {
    source: {
      tree: containerTree(root.fd, 'image'),
      root: textFromName(readlinkSync(`/proc/self/fd/${root.fd}`, 'latin1')),
      ignored: new PathFilter([]),
      keepsOwners: true,
    },
    [Symbol.asyncDispose]: async () => {
      await root[Symbol.asyncDispose]();
      tree[Symbol.dispose]();
    },
  };
}
