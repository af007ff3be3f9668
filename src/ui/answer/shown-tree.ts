/**
 * A source, opened for reading: what the command line calls NAME, as a file system and as a stack of layers.
 *
 * No mount is touched: layers and upper are read as `image diff` and `export` read them.
 */

import { openContainerTree } from '../../container/changes/export-container.js';
import { resolveContainer } from '../../container/record/find.js';
import { realHome } from '../../container/record/real-root.js';
import { findMount } from '../../daemon/run-directory/find-mount.js';
import type { RunState } from '../../daemon/run-directory/run-state.js';
import { UserError } from '../../errno/user-error.js';
import { findImage, type Image, resolveImage } from '../../image/catalog/image-index.js';
import { historyOfDirectory } from '../../image/catalog/layer-history.js';
import { layerDirectories } from '../../image/contents/image-layers.js';
import { type StackedDirectory, StackedLayers } from '../../image/contents/stacked-layers.js';
import type { ContainerRecord } from '../../store/container-record.js';
import type { Store } from '../../store/store.js';
import { openView, type ViewOptions } from '../../union/open-view.js';
import type { UnionFileSystem } from '../../union/union-file-system.js';
import type { FileSystem } from '../../vfs/file-system.js';
import { displayName, nameFromText } from '../../vfs/name.js';
import { openVolumeTree } from '../../volume/export-volume.js';
import type { SourceKind } from '../api.js';

export interface ShownTree extends Disposable {
  readonly fs: FileSystem;
  /** The same where there are layers. */
  readonly union: UnionFileSystem | undefined;
  /** How many layers the union has, upper included: its topmost one has this number. */
  readonly top: number;
}

interface SourceName {
  readonly kind: SourceKind;
  readonly name: string;
}

/** @throws UserError for a text that names no source. */
export function parseSource(text: string): SourceName {
  const [, kind, name] = /^(image|container|volume|mount):(.+)$/s.exec(text) ?? [];
  if (kind === undefined || name === undefined)
    throw new UserError(`invalid source '${text}'`, {
      hint: 'image:NAME, container:NAME, volume:NAME or mount:PATH',
    });
  return { kind: kind as SourceKind, name };
}

/** @throws UserError when there is no such thing, or it cannot be read. */
export async function openShownTree(store: Store, source: string): Promise<ShownTree> {
  const { kind, name } = parseSource(source);
  if (kind === 'volume') {
    const tree = await openVolumeTree(store, name, `cannot show volume '${name}'`);
    return { fs: tree.fs, union: undefined, top: 0, [Symbol.dispose]: () => tree[Symbol.dispose]() };
  }
  if (kind === 'container') {
    const record = resolveContainer(store, name);
    const tree = openContainerTree(store, record);
    const dispose = (): void => tree[Symbol.dispose]();
    return { fs: tree.fs, union: tree.fs, top: record.layers.length + 1, [Symbol.dispose]: dispose };
  }
  const { layers, upper } = stackOf(store, { kind, name });
  // Below a root that hides all, nothing shows; overlayfs has no mark for that.
  const from = Math.max(
    0,
    layers.findLastIndex(({ isRootOpaque }) => isRootOpaque),
  );
  const paths = layers.slice(from).map(({ path }) => nameFromText(path));
  const union = openView(upper === undefined ? { layers: paths } : { layers: paths, upper });
  const top = layers.length + (upper === undefined ? 0 : 1);
  return { fs: union, union, top, [Symbol.dispose]: () => union.detach() };
}

interface Stack {
  /** Bottom first. */
  readonly layers: readonly StackedDirectory[];
  readonly upper: ViewOptions['upper'];
}

/** @throws UserError for a volume, which has no layers, and as `openShownTree()` */
export function stackOf(store: Store, { kind, name }: SourceName): Stack {
  switch (kind) {
    case 'image':
      return { layers: layerDirectories(store, resolveImage(store, name)), upper: undefined };
    case 'container': {
      const record = resolveContainer(store, name);
      const home = nameFromText(realHome(store, record.id));
      const layers = layerDirectories(store, imageOf(store, record));
      return { layers, upper: { path: `${home}/upper`, work: `${home}/work` } };
    }
    case 'mount':
      return stackOfMount(findMount(nameFromText(name), 'show').state);
    case 'volume':
      throw new UserError(`volume '${name}' has no layers`);
  }
}

function stackOfMount({ layers, upper, work }: RunState): Stack {
  return {
    layers: layers.map(displayName).map((path, index) => ({
      number: index + 1,
      hex: /\/layers\/([0-9a-f]{64})\/tree$/.exec(path)?.[1] ?? '',
      createdBy: historyOfDirectory(path) ?? '',
      path,
      isRootOpaque: false,
    })),
    upper: upper === undefined || work === undefined ? undefined : { path: upper, work },
  };
}

/** The container's own layers, with the history of its image where that is still there. */
function imageOf(store: Store, { image, layers }: ContainerRecord): Pick<Image, 'layers' | 'config'> {
  const known = findImage(store, image.id);
  if (known !== undefined) return { layers, config: known.config };
  const config = { architecture: '', os: '', rootfs: { type: 'layers' as const, diff_ids: [] } };
  return { layers, config };
}

/** Every object of every layer. @throws UserError as `stackOf()` */
export function openStackedLayers(store: Store, source: string): StackedLayers {
  const { layers, upper } = stackOf(store, parseSource(source));
  return new StackedLayers(layers, upper);
}
