/**
 * A volume as a tar: owners, modes, times, xattrs, hard links, large sparse files.
 */

import { tarOfTree } from '../archive/tree/tar-tree.js';
import { openMirrorView } from '../mounts/mirror/open-mirror-view.js';
import { writeToDisk } from '../realfs/disk/write-to-disk.js';
import type { Store } from '../store/store.js';
import type { FileSystem } from '../vfs/file-system.js';
import { nameFromText } from '../vfs/name.js';
import { useVolume, type VolumeUse } from './use.js';

interface ExportedVolume extends Disposable {
  readonly chunks: Iterable<Buffer>;
  /** What was left out, with how many entries; complete when the chunks are read. */
  readonly notices: ReadonlyMap<string, number>;
}

/** @throws UserError when there is no such volume, or its storage cannot be mounted or does not answer. */
export async function exportVolume(store: Store, name: string): Promise<ExportedVolume> {
  const tree = await openVolumeTree(store, name, `cannot export volume '${name}'`);
  return { ...tarOfTree(tree.fs), [Symbol.dispose]: () => tree[Symbol.dispose]() };
}

/** A volume's tree for reading; `what` failed is said first. @throws UserError as `exportVolume()` */
export async function openVolumeTree(
  store: Store,
  name: string,
  what: string,
): Promise<Disposable & { readonly fs: FileSystem }> {
  const use = await useVolume(store, name, { what });
  return viewOfUse(use, () => writeToDisk([nameFromText(use.path)]));
}

/** The tree of a volume in use; the use ends with the view, and where there can be none. @param prepare comes before. */
export function viewOfUse(
  use: VolumeUse,
  prepare: () => void = () => undefined,
): Disposable & { readonly fs: FileSystem } {
  try {
    prepare();
    const fs = openMirrorView(nameFromText(use.path));
    return {
      fs,
      [Symbol.dispose]: () => {
        fs.detach();
        use[Symbol.dispose]();
      },
    };
  } catch (error) {
    use[Symbol.dispose]();
    throw error;
  }
}
