/** What is in the layers of an image, what of it is wasted, and what differs, as programs get it. */

import { openNamedTree } from '../container/changes/named-tree.js';
import type { Image } from '../image/catalog/image-index.js';
import { compareTrees, type Difference } from '../image/contents/compare-trees.js';
import { findObjects } from '../image/contents/find-objects.js';
import { ImageLayers } from '../image/contents/image-layers.js';
import { wastedBytes } from '../image/contents/wasted-bytes.js';
import { searchMatcher } from '../image-build/context/pattern.js';
import type { Store } from '../store/store.js';
import { displayName, type Name } from '../vfs/name.js';
import { checkedOptions, checkedText, invalidArgument } from './checked-options.js';

const TYPES = ['file', 'directory', 'symlink', 'character', 'block', 'fifo', 'socket'] as const;

/** What files have to be; all that is given must hold. */
export interface LayerSearch {
  /** A pattern of names, or with a slash of paths: `*`, `?`, `[a-z]`, and `**` for any number of directories. */
  readonly pattern?: string | undefined;
  readonly type?: (typeof TYPES)[number] | undefined;
  /** What regular files hold. */
  readonly content?: string | Uint8Array | undefined;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  /** Permission bits, of which one at least is set: 0o6000 finds setuid and setgid. */
  readonly anyMode?: number | undefined;
  readonly minBytes?: number | undefined;
  readonly maxBytes?: number | undefined;
  /** Changed then or later, in milliseconds since 1970. */
  readonly sinceMs?: number | undefined;
  /** Changed before. */
  readonly beforeMs?: number | undefined;
  /** True: only what does not show; false: only what shows. */
  readonly isHidden?: boolean | undefined;
}

/** A layer of an image. */
export interface ImageLayer {
  /** 1 is the bottom. */
  readonly number: number;
  /** The line of the history that made it; empty where there is none. */
  readonly createdBy: string;
}

/** An object in a layer. */
export interface FoundFile {
  /** From the root of the image. */
  readonly path: string;
  readonly type: string;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly layer: ImageLayer;
  /** Undefined: it shows. */
  readonly hiddenBy:
    | { readonly layer: ImageLayer; readonly kind: 'whiteout' | 'opaque' | 'replaced' }
    | undefined;
}

/** A file that is in an image in vain. */
export interface WastedImageFile {
  readonly path: string;
  readonly kind: 'rewritten' | 'deleted' | 'duplicated';
  readonly sizeBytes: number;
  /** Has the bytes. */
  readonly layer: ImageLayer;
  /** Made them so. */
  readonly causedBy: ImageLayer;
}

/** What of an image nobody sees, or is there twice. */
export interface ImageWaste {
  readonly totalBytes: number;
  readonly wastedBytes: number;
  /** Largest first. */
  readonly files: readonly WastedImageFile[];
}

/** A difference of two trees. */
export interface TreeDifference {
  /** Added, changed, deleted, renamed. */
  readonly kind: 'A' | 'C' | 'D' | 'R';
  readonly path: string;
  /** The path before, where it was renamed. */
  readonly from?: string | undefined;
  /** In what it differs. */
  readonly aspects: readonly string[];
}

export function imageWaste(store: Store, image: Image): ImageWaste {
  using layers = new ImageLayers(store, image);
  const waste = wastedBytes(layers);
  const files = waste.files.map(({ path, kind, sizeBytes, layer, causedBy }) => ({
    path: absolute(path),
    kind,
    sizeBytes,
    layer: layerOf(layer),
    causedBy: layerOf(causedBy),
  }));
  return { totalBytes: waste.totalBytes, wastedBytes: waste.wastedBytes, files };
}

export function findFiles(store: Store, image: Image, search: LayerSearch): FoundFile[] {
  const { pattern, content, ...criteria } = checkedOptions('images.findFiles()', search, {
    pattern: 'string',
    type: TYPES,
    content: 'bytes',
    uid: 'number',
    gid: 'number',
    anyMode: 'number',
    minBytes: 'number',
    maxBytes: 'number',
    sinceMs: 'number',
    beforeMs: 'number',
    isHidden: 'boolean',
  });
  if (content?.length === 0) throw invalidArgument('images.findFiles()', "the option 'content' is empty");
  using layers = new ImageLayers(store, image);
  const found = findObjects(layers, {
    ...criteria,
    path: pattern === undefined ? undefined : searchMatcher(pattern),
    content: content === undefined ? undefined : Buffer.from(content),
  });
  return [...found].map(({ path, layer, hiddenBy, type, mode, uid, gid, sizeBytes, mtimeMs }) => ({
    path: absolute(path),
    type,
    mode,
    uid,
    gid,
    sizeBytes,
    mtimeMs,
    layer: layerOf(layer),
    hiddenBy: hiddenBy && { layer: layerOf(hiddenBy.layer), kind: hiddenBy.kind },
  }));
}

/** @throws UserError when one of them is nothing that can be read. */
export async function differencesOf(
  store: Store,
  [before, after]: readonly [before: string, after: string],
  options: { readonly ignoresTimes?: boolean | undefined },
): Promise<TreeDifference[]> {
  const { ignoresTimes = false } = checkedOptions('diff()', options, { ignoresTimes: 'boolean' });
  using a = await openNamedTree(store, checkedText('diff()', 'first name', before));
  using b = await openNamedTree(store, checkedText('diff()', 'second name', after));
  return compareTrees(a.fs, b.fs, { ignoresTimes }).map(describedDifference);
}

export function describedDifference({ kind, path, from, aspects }: Difference): TreeDifference {
  return {
    kind,
    path: absolute(path),
    ...(from === undefined ? {} : { from: absolute(from) }),
    aspects,
  };
}

function layerOf({ number, createdBy }: ImageLayer): ImageLayer {
  return { number, createdBy };
}

function absolute(path: Name): string {
  return `/${displayName(path)}`;
}
