/**
 * Why a path shows what it shows: the chain of layers that have the name, and what hides each of those that do not show.
 */

import { S_IFDIR, S_IFMT } from '../linux/constants.js';
import { displayName, type Name } from '../vfs/name.js';
import { MARK_OPAQUE } from './format.js';
import { hasOpaqueFile, isReservedName } from './fuse-overlayfs-form.js';
import type { Layer } from './layer.js';
import { RealDirectory } from './layer.js';
import { readMarks } from './marks.js';
import type { UnionState } from './union-state.js';
import { ABSENT, look, WHITEOUT } from './whiteout.js';

/**
 * - `shows`: the object that is seen. `merged`: a directory whose names show too.
 * - `whiteout`: hides the name in all layers below. `opaque`: a directory that shows and hides those below.
 * - `hidden`: has the name, but something above hides it: see `by`.
 */
export type LayerFinding = 'shows' | 'merged' | 'opaque' | 'whiteout' | 'hidden';

export interface ChainLink {
  /** Directory of the layer on the host. */
  readonly layer: string;
  /** Where the name lies on the host. */
  readonly path: string;
  readonly what: LayerFinding;
  /** For `hidden`: host path and kind of what hides it. */
  readonly by?: string;
}

export interface Explanation {
  /** Host path of what shows; undefined when the union has no such name. */
  readonly shown: string | undefined;
  /** Topmost layer first; layers without the name are left out. */
  readonly chain: readonly ChainLink[];
  /** Whether it is upper that shows. */
  readonly writable: boolean;
}

interface Walk {
  readonly layer: Layer;
  directory: RealDirectory | undefined;
  /** What hides all further names of this layer. */
  hiddenBy: string | undefined;
}

/** @param names path within the union, as names; symlinks in it are not followed. */
export function explain(state: UnionState, names: readonly Name[]): Explanation {
  const walks: Walk[] = state.layers.map((layer) => ({ layer, directory: layer.root, hiddenBy: undefined }));
  let chain: ChainLink[] = walks.map(({ layer }, index) => ({
    layer: displayName(layer.path),
    path: displayName(layer.path),
    what: index === 0 ? 'shows' : 'merged',
  }));
  names.forEach((name, depth) => {
    chain = step(state, walks, {
      name,
      path: names
        .slice(0, depth + 1)
        .map(displayName)
        .join('/'),
    });
  });
  const shown = chain.find((link) => link.what === 'shows' || link.what === 'opaque');
  const top = state.upper === undefined ? undefined : displayName(state.upper.path);
  return { shown: shown?.path, chain, writable: shown !== undefined && shown.layer === top };
}

/** Goes one name further in every layer, and says what each has there. */
function step(state: UnionState, walks: Walk[], at: { name: Name; path: string }): ChainLink[] {
  const chain: ChainLink[] = [];
  let hider: string | undefined;
  let found = false;
  for (const walk of walks) {
    const directory = walk.directory;
    walk.directory = undefined;
    if (directory === undefined || isReservedName(state, at.name)) continue;
    const finding = look(state, directory, at.name, state.stat);
    if (finding === ABSENT) continue;
    const layer = displayName(walk.layer.path);
    const path = `${layer}/${at.path}`;
    const by = walk.hiddenBy ?? hider;
    const isDirectory = finding !== WHITEOUT && (state.stat.mode & S_IFMT) === S_IFDIR;
    if (isDirectory) walk.directory = new RealDirectory(walk.layer, directory, at.name);
    const base = { layer, path };
    if (by !== undefined) {
      walk.hiddenBy = by;
      if (finding !== WHITEOUT) chain.push({ ...base, what: 'hidden', by });
    } else if (finding === WHITEOUT) {
      chain.push({ ...base, what: 'whiteout' });
      hider = `the whiteout ${path}`;
    } else if (!isDirectory) {
      if (found) {
        chain.push({ ...base, what: 'hidden', by: 'the directory above it' });
        hider = `the file ${path}`;
      } else {
        chain.push({ ...base, what: 'shows' });
        hider = `the file ${path}`;
      }
    } else {
      const opaque = isOpaqueDirectory(state, walk.directory!);
      chain.push({ ...base, what: found ? 'merged' : opaque ? 'opaque' : 'shows' });
      if (opaque) hider = `the opaque directory ${path}`;
      found = true;
    }
  }
  for (const walk of walks) if (walk.directory !== undefined) state.cache.drop(walk.directory);
  return chain;
}

function isOpaqueDirectory(state: UnionState, dir: RealDirectory): boolean {
  const marks = readMarks(state, state.descriptor(dir.parent!), dir.name);
  return (marks & MARK_OPAQUE) !== 0 || hasOpaqueFile(state, dir);
}
