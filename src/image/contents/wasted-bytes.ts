/**
 * `image waste`: the bytes of an image's files that nobody sees, or that it has twice.
 *
 * Counted are the contents of regular files, each file once whatever names it has in its layer, as they are in the tar of
 * the layer: what is sparse or shared on this disk is not so elsewhere.
 */

import { createHash } from 'node:crypto';
import { check } from '../../errno/fs-error.js';
import { S_IFMT, S_IFREG } from '../../linux/constants.js';
import { read } from '../../linux/files/data.js';
import { close } from '../../linux/files/open.js';
import type { Name } from '../../vfs/name.js';
import { openReadable } from './find-objects.js';
import type { NumberedLayer, StackedLayers, StackedObject } from './stacked-layers.js';

/** Smaller files are not compared: to read them all takes long, and they waste nothing that matters. */
const SMALLEST_DUPLICATE_BYTES = 4096;

type WasteKind = 'rewritten' | 'deleted' | 'duplicated';

export interface WastedFile {
  readonly path: Name;
  readonly kind: WasteKind;
  readonly sizeBytes: number;
  /** The layer that has the bytes in vain. */
  readonly layer: NumberedLayer;
  /** The layer that made them vain: by hiding them, or, of a duplicate, the layer itself. */
  readonly causedBy: NumberedLayer;
  /** For a duplicate: where the same bytes lie, in a lower layer. */
  readonly sameAs?: { readonly path: Name; readonly layer: NumberedLayer };
}

export interface Waste {
  /** The contents of all layers. */
  readonly totalBytes: number;
  readonly wastedBytes: number;
  readonly bytesOf: Readonly<Record<WasteKind, number>>;
  /** Largest first, then by path. */
  readonly files: readonly WastedFile[];
}

/** @throws FsError where a layer cannot be read. */
export function wastedBytes(layers: StackedLayers): Waste {
  const { totalBytes, hidden, sizes } = countFiles(layers);
  const files = [...hidden, ...duplicates(layers, sizes)];
  files.sort((a, b) => b.sizeBytes - a.sizeBytes || (a.path < b.path ? -1 : 1));
  const bytesOf = { rewritten: 0, deleted: 0, duplicated: 0 };
  for (const { kind, sizeBytes } of files) bytesOf[kind] += sizeBytes;
  const wasted = bytesOf.rewritten + bytesOf.deleted + bytesOf.duplicated;
  return { totalBytes, wastedBytes: wasted, bytesOf, files };
}

/** Sizes of files that show, and the layers that have some: a duplicate takes two layers. */
type Sizes = ReadonlyMap<number, ReadonlySet<number>>;

interface Counted {
  readonly totalBytes: number;
  readonly hidden: readonly WastedFile[];
  readonly sizes: Sizes;
}

function countFiles(layers: StackedLayers): Counted {
  const files = new Map<string, { isShown: boolean; sizeBytes: number; waste: WastedFile | undefined }>();
  const sizes = new Map<number, Set<number>>();
  let shownPath: Name | undefined;
  for (const stacked of layers.objects()) {
    const { object, layer, hiddenBy } = stacked;
    if (hiddenBy === undefined) shownPath = object.path;
    if (!isFile(stacked)) continue;
    const { sizeBytes } = object.stat;
    const isShown = hiddenBy === undefined;
    const key = `${layer.number}:${object.stat.ino}`;
    const known = files.get(key);
    if (known !== undefined) {
      known.isShown ||= isShown;
      continue;
    }
    const kind = shownPath === object.path ? 'rewritten' : 'deleted';
    const waste = hiddenBy && { path: object.path, kind, sizeBytes, layer, causedBy: hiddenBy.layer };
    files.set(key, { isShown, sizeBytes, waste: waste as WastedFile | undefined });
    if (isShown) {
      if (!sizes.has(sizeBytes)) sizes.set(sizeBytes, new Set());
      sizes.get(sizeBytes)!.add(layer.number);
    }
  }
  let totalBytes = 0;
  const hidden: WastedFile[] = [];
  for (const { isShown, sizeBytes, waste } of files.values()) {
    totalBytes += sizeBytes;
    if (!isShown && waste !== undefined && sizeBytes > 0) hidden.push(waste);
  }
  return { totalBytes, hidden, sizes };
}

function isFile({ object }: StackedObject): boolean {
  return (object.stat.mode & S_IFMT) === S_IFREG;
}

/** Files that show, whose bytes a lower layer shows too, at whatever path. */
function duplicates(layers: StackedLayers, sizes: Sizes): WastedFile[] {
  const byContent = new Map<string, Omit<WastedFile, 'kind' | 'causedBy'>[]>();
  const seen = new Set<string>();
  for (const stacked of layers.objects()) {
    const { object, layer, hiddenBy } = stacked;
    const { sizeBytes, ino } = object.stat;
    if (hiddenBy !== undefined || !isFile(stacked) || sizeBytes < SMALLEST_DUPLICATE_BYTES) continue;
    const key = `${layer.number}:${ino}`;
    if ((sizes.get(sizeBytes)?.size ?? 0) < 2 || seen.has(key)) continue;
    seen.add(key);
    const digest = digestOf(object);
    if (digest === undefined) continue;
    const same = byContent.get(digest) ?? [];
    same.push({ path: object.path, sizeBytes, layer });
    byContent.set(digest, same);
  }
  return [...byContent.values()].flatMap((same) => {
    const first = same.reduce((a, b) => (b.layer.number < a.layer.number ? b : a));
    return same
      .filter(({ layer }) => layer.number > first.layer.number)
      .map(
        (file): WastedFile => ({
          ...file,
          kind: 'duplicated',
          causedBy: file.layer,
          sameAs: { path: first.path, layer: first.layer },
        }),
      );
  });
}

const piece = Buffer.allocUnsafe(1 << 20);

function digestOf(object: StackedObject['object']): string | undefined {
  const fd = openReadable(object);
  if (fd === undefined) return undefined;
  try {
    const hash = createHash('sha256');
    for (;;) {
      const count = check(read(fd, piece), 'read', object.path);
      if (count === 0) return hash.digest('hex');
      hash.update(piece.subarray(0, count));
    }
  } finally {
    close(fd);
  }
}
