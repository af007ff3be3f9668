/**
 * What `image diff` compares and the page shows: an image, a container, a volume, a layer or a directory, opened for reading.
 */

import { resolve } from 'node:path';
import type { Store } from '../../store/store.js';
import type { FileSystem } from '../../vfs/file-system.js';

const TREE_KINDS = ['image', 'container', 'volume', 'layer', 'dir'] as const;
type Kind = (typeof TREE_KINDS)[number];

interface OpenedTree extends Disposable {
  readonly fs: FileSystem;
}

type Open = (store: Store, name: string) => Promise<OpenedTree> | OpenedTree;

/**
 * `image:NAME`, `container:NAME`, `volume:NAME`, `layer:ID`, `dir:PATH`; a path that begins with `/` or `.` is a directory, and
 * of other names the first that there is counts: image, container, volume.
 * @throws UserError when there is no such thing, or it cannot be read.
 */
export async function openNamedTree(store: Store, text: string): Promise<OpenedTree> {
  const [, prefix, rest] = /^(\w+):(.*)$/s.exec(text) ?? [];
  const kind = TREE_KINDS.find((one) => one === prefix);
  if (kind !== undefined && rest !== '') return OPENERS[kind](store, rest!);
  if (/^[/.]/.test(text)) return OPENERS.dir(store, text);
  return OPENERS[await kindOf(store, text)](store, text);
}

/**
 * What a name of `plyfs ui` means; a prefix says it, else the first that there is counts.
 * @throws UserError when there is no such thing.
 */
export async function kindOfTree(store: Store, text: string): Promise<'image' | 'container' | 'volume'> {
  const prefix = (['image', 'container', 'volume'] as const).find((kind) => text.startsWith(`${kind}:`));
  const kind = prefix ?? (await findKind(store, text));
  if (kind !== undefined) return kind;
  const { UserError } = await import('../../errno/user-error.js');
  throw new UserError(`no such image, container or volume: '${text}'`, {
    hint: "'plyfs images', 'plyfs ps -a' and 'plyfs volume ls' show those there are",
  });
}

async function kindOf(store: Store, text: string): Promise<Kind> {
  const kind = await findKind(store, text);
  if (kind !== undefined) return kind;
  const { UserError } = await import('../../errno/user-error.js');
  throw new UserError(`no such image, container or volume: '${text}'`, {
    hint: 'a directory is named by /PATH or ./PATH, a layer by layer:ID',
  });
}

/** In this order. */
async function findKind(store: Store, text: string): Promise<'image' | 'container' | 'volume' | undefined> {
  const { findContainer } = await import('../record/find.js');
  const { readVolume } = await import('../../store/volume-record.js');
  if (await isImage(store, text)) return 'image';
  if (findContainer(store, text) !== undefined) return 'container';
  return readVolume(store, text) === undefined ? undefined : 'volume';
}

/** What cannot be the name of an image is none here. */
async function isImage(store: Store, text: string): Promise<boolean> {
  const { findImage } = await import('../../image/catalog/image-index.js');
  const { UserError } = await import('../../errno/user-error.js');
  try {
    return findImage(store, text) !== undefined;
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}

const OPENERS: Readonly<Record<Kind, Open>> = {
  image: async (store, name) => {
    const { resolveImage } = await import('../../image/catalog/image-index.js');
    const { layerTreePaths } = await import('../../image/catalog/layer-record.js');
    return openLayers(layerTreePaths(store, resolveImage(store, name).layers));
  },
  container: async (store, name) => {
    const { resolveContainer } = await import('../record/find.js');
    const { openContainerTree } = await import('./export-container.js');
    return openContainerTree(store, resolveContainer(store, name));
  },
  volume: async (store, name) => {
    const { openVolumeTree } = await import('../../volume/export-volume.js');
    return openVolumeTree(store, name, `cannot compare volume '${name}'`);
  },
  layer: async (store, name) => {
    const { layerTreePath } = await import('../../image/catalog/image-index.js');
    return openLayers([layerTreePath(store, await layerOf(store, name))]);
  },
  dir: async (_, path) => {
    const { openMirrorView } = await import('../../mounts/mirror/open-mirror-view.js');
    const { nameFromText } = await import('../../vfs/name.js');
    return opened(openMirrorView(nameFromText(resolve(path))));
  },
};

async function openLayers(directories: readonly string[]): Promise<OpenedTree> {
  const { openView } = await import('../../union/open-view.js');
  const { nameFromText } = await import('../../vfs/name.js');
  return opened(openView({ layers: directories.map(nameFromText) }));
}

function opened(fs: FileSystem): OpenedTree {
  return { fs, [Symbol.dispose]: () => fs.detach() };
}

async function layerOf(store: Store, text: string): Promise<string> {
  const { UserError } = await import('../../errno/user-error.js');
  const hex = text.replace(/^sha256:/, '');
  const found = /^[0-9a-f]+$/.test(hex) ? store.names('layers').filter((name) => name.startsWith(hex)) : [];
  if (found.length === 1) return found[0]!;
  throw new UserError(
    found.length === 0 ? `no such layer: '${text}'` : `several layers begin with '${text}'`,
    { hint: "'plyfs image history --no-trunc --format '{{.Layer}}' IMAGE' shows those of an image" },
  );
}
