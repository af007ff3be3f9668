/**
 * Every object of every layer, those that a layer above hides too: for searches and for what takes space unseen.
 *
 * `why` asks about one path (explain-name.ts); this goes through all of them, by descriptors as everything below a layer.
 * Redirects are not followed: a renamed directory's lower part is told where it lies in its own layer, as hidden there.
 */

import { check } from '../errno/fs-error.js';
import { O_NOFOLLOW, O_NONBLOCK, O_RDONLY, S_IFDIR, S_IFMT } from '../linux/constants.js';
import { openat } from '../linux/files/open.js';
import { Statx } from '../linux/files/statx.js';
import type { Name } from '../vfs/name.js';
import { isReservedName } from './form/fuse-overlayfs-form.js';
import { readMarks } from './form/marks.js';
import { MARK_OPAQUE } from './form/overlay-xattrs.js';
import { RealDirectory } from './stack/layer.js';
import type { LayerStack } from './stack/layer-stack.js';
import { ABSENT, isOpaqueByFile, look, WHITEOUT } from './stack/probe-name.js';
import { readNames } from './stack/read-names.js';

/** What hides a name of the layers below it: a whiteout, an opaque directory, or an object in its place. */
interface Hider {
  /** Its layer, as an index into the stack's. */
  readonly layer: number;
  readonly kind: 'whiteout' | 'opaque' | 'replaced';
}

/** An object of a layer, while the walk is at it. */
export class LayerObject {
  /** Below the root, without a leading slash. */
  readonly path: Name;
  /** Index into the stack's layers: 0 is the topmost. */
  readonly layer: number;
  readonly stat: Statx;
  readonly hiddenBy: Hider | undefined;
  /** A directory whose attributes a layer above it shows, and whose names show. */
  readonly isMerged: boolean;
  readonly #stack: LayerStack;
  readonly #directory: RealDirectory;
  readonly #name: Name;

  constructor(
    at: { readonly stack: LayerStack; readonly directory: RealDirectory; readonly name: Name },
    facts: Pick<LayerObject, 'path' | 'layer' | 'stat' | 'hiddenBy' | 'isMerged'>,
  ) {
    this.#stack = at.stack;
    this.#directory = at.directory;
    this.#name = at.name;
    this.path = facts.path;
    this.layer = facts.layer;
    this.stat = facts.stat;
    this.hiddenBy = facts.hiddenBy;
    this.isMerged = facts.isMerged;
  }

  /** Opens a regular file for reading. @returns a descriptor of the caller's. @throws FsError as openat(2) */
  open(): number {
    const flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;
    return check(openat(this.#stack.descriptor(this.#directory), this.#name, flags), 'open', this.path);
  }
}

/** One directory of a layer, on the way through all layers at once. */
export interface LayerPart {
  readonly layer: number;
  readonly directory: RealDirectory;
  readonly hiddenBy: Hider | undefined;
}

/** A directory of the merged tree: to be gone through, or `isDone` with all below it. */
interface Visit {
  readonly path: Name;
  readonly parts: readonly LayerPart[];
  readonly isDone: boolean;
}

/**
 * Directories before what they hold, names in the order of their bytes, of one name the topmost layer first. The roots are
 * left out, and whiteouts.
 * @param opaqueRoots layers whose root hides all below, for which overlayfs has no mark.
 * @throws FsError where a layer cannot be read.
 */
export function* walkLayers(
  stack: LayerStack,
  opaqueRoots: ReadonlySet<number> = new Set(),
): Generator<LayerObject> {
  const cut = stack.layers.findIndex(({ index }) => opaqueRoots.has(index));
  const parts = stack.layers.map((layer, index): LayerPart => {
    const hiddenBy = cut >= 0 && index > cut ? ({ layer: cut, kind: 'opaque' } as const) : undefined;
    return { layer: index, directory: layer.root, hiddenBy };
  });
  // A list and not recursion: a layer may be thousands of directories deep.
  const todo: Visit[] = [{ path: '', parts, isDone: false }];
  try {
    for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
      if (next.isDone) {
        leaveParts(stack, next.parts);
        continue;
      }
      todo.push({ ...next, isDone: true });
      const below: Visit[] = [];
      for (const name of namesOfParts(stack, next.parts)) {
        const path = next.path === '' ? name : `${next.path}/${name}`;
        const inside: LayerPart[] = [];
        yield* objectsOfParts(stack, next.parts, { name, path, inside });
        if (inside.length > 0) below.push({ path, parts: inside, isDone: false });
      }
      todo.push(...below.reverse());
    }
  } finally {
    for (const { parts: left } of todo) leaveParts(stack, left);
  }
}

/** Closes what the walk has opened. */
export function leaveParts(stack: LayerStack, parts: readonly LayerPart[]): void {
  for (const { directory } of parts) if (directory.parent !== undefined) stack.cache.drop(directory);
}

/** The names of all parts, sorted by their bytes. */
export function namesOfParts(stack: LayerStack, parts: readonly LayerPart[]): Name[] {
  const names = new Set<Name>();
  for (const { directory } of parts)
    readNames(stack, directory, (name) => {
      if (!isReservedName(stack.xattrs, name)) names.add(name);
    });
  return [...names].sort();
}

/** What the layers have under one name, topmost first; `inside` gets those that are directories. */
export function* objectsOfParts(
  stack: LayerStack,
  parts: readonly LayerPart[],
  at: { readonly name: Name; readonly path: Name; readonly inside: LayerPart[] },
): Generator<LayerObject> {
  const stat = new Statx();
  const { name, path, inside } = at;
  let hider: Hider | undefined;
  let merged: Hider | undefined;
  for (const { layer, directory, hiddenBy } of parts) {
    const finding = look(stack, directory, name, stat);
    if (finding === ABSENT) continue;
    const above = hiddenBy ?? hider;
    if (finding === WHITEOUT) {
      if (above === undefined) hider = { layer, kind: 'whiteout' };
      continue;
    }
    const isDirectory = (stat.mode & S_IFMT) === S_IFDIR;
    const hidden = above ?? (isDirectory ? undefined : merged);
    const isMerged = above === undefined && isDirectory && merged !== undefined;
    yield new LayerObject({ stack, directory, name }, { path, layer, stat, hiddenBy: hidden, isMerged });
    const own = isDirectory ? new RealDirectory(stack.layers[layer]!, directory, name) : undefined;
    if (own !== undefined) inside.push({ layer, directory: own, hiddenBy: hidden });
    // What is hidden itself hides nothing that would be seen.
    if (above !== undefined) continue;
    if (own === undefined) hider = { layer, kind: 'replaced' };
    else if (isOpaque(stack, own)) hider = { layer, kind: 'opaque' };
    merged ??= { layer, kind: 'replaced' };
  }
}

function isOpaque(stack: LayerStack, directory: RealDirectory): boolean {
  const marks = readMarks(stack.xattrs, stack.descriptor(directory.parent!), directory.name);
  return (marks & MARK_OPAQUE) !== 0 || isOpaqueByFile(stack, directory);
}
