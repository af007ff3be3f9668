/**
 * Copies of what a mount of RUN shows, where the files themselves will not do: it may be written to, or it has files
 * that `.dockerignore` names. They lie beside the working tree, and go with it.
 */

import { readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { ObjectCopy } from '../container/copy/copy-objects.js';
import { containerTree, findSource, hostTree } from '../container/copy/place.js';
import { check } from '../errno/fs-error.js';
import { O_DIRECTORY, O_PATH } from '../linux/constants.js';
import { close } from '../linux/open.js';
import { nameFromText, textFromName } from '../vfs/name.js';
import { PathFilter } from './path-filter.js';
import { defaultOwner } from './place-files.js';
import { selectFiles } from './select-files.js';
import type { SourceTree } from './source-tree.js';
import type { StageTools } from './stage-build.js';
import { WorkingTree } from './working-tree.js';

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
  using found = findSource(source.tree, path === '' ? '.' : path, true);
  using copy = new ObjectCopy(owners, { includes });
  const target = check(hostTree('/').open(nameFromText(home), O_PATH | O_DIRECTORY), 'open', home);
  try {
    copy.object(found.directoryFd, found.name, target, 'source');
  } finally {
    close(target);
  }
}

export interface OpenedImage extends AsyncDisposable {
  readonly source: SourceTree;
}

/** The tree of layers, mounted for as long as it is held. */
export async function openImage(
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
