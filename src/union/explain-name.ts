/**
 * Why a path shows what it shows: the chain of layers that have the name, and what hides each of those that do not show.
 */

import { AT_SYMLINK_NOFOLLOW, S_IFDIR, S_IFMT, STATX_BTIME } from '../linux/constants.js';
import { Statx, statx } from '../linux/files/statx.js';
import { displayName, type Name } from '../vfs/name.js';
import { isReservedName } from './form/fuse-overlayfs-form.js';
import { readMarks } from './form/marks.js';
import { MARK_METACOPY, MARK_OPAQUE, MARK_ORIGIN } from './form/overlay-xattrs.js';
import type { UnionState } from './nodes/union-state.js';
import { type Layer, RealDirectory } from './stack/layer.js';
import { ABSENT, isOpaqueByFile, look, WHITEOUT } from './stack/probe-name.js';

/**
 * - `shows`: the object that is seen. `merged`: a directory whose names show too.
 * - `whiteout`: hides the name in all layers below. `opaque`: a directory that shows and hides those below.
 * - `hidden`: has the name, but something above hides it: see `by`.
 */
type LayerFinding = 'shows' | 'merged' | 'opaque' | 'whiteout' | 'hidden';

interface ChainLink {
  /** Directory of the layer on the host. */
  readonly layer: string;
  /** Where the name lies on the host. */
  readonly path: string;
  readonly what: LayerFinding;
  /** For `hidden`: host path and kind of what hides it. */
  readonly by?: string;
  /** When and by which process it came to upper, as far as that is known. */
  readonly note?: string;
}

export interface Explanation {
  /** Host path of what shows; undefined when the union has no such name. */
  readonly shown: string | undefined;
  /** Topmost layer first; layers without the name are left out. */
  readonly chain: readonly ChainLink[];
  /** Whether it is upper that shows. */
  readonly writable: boolean;
}

const looked = new Statx();

interface Walk {
  readonly layer: Layer;
  directory: RealDirectory | undefined;
  /** What hides all further names of this layer. */
  hiddenBy: string | undefined;
}

/** @param names path within the union, as names; symlinks in it are not followed. */
export function explain(state: UnionState, names: readonly Name[]): Explanation {
  const walks: Walk[] = state.stack.layers.map((layer) => ({
    layer,
    directory: layer.root,
    hiddenBy: undefined,
  }));
  let chain: ChainLink[] = walks.map(({ layer }, index) => ({
    layer: displayName(layer.path),
    path: displayName(layer.path),
    what: index === 0 ? 'shows' : 'merged',
  }));
  names.forEach((name, depth) => {
    const way = names.slice(0, depth + 1);
    chain = step(state, walks, { name, way, isLast: depth === names.length - 1 });
  });
  const shown = chain.find((link) => link.what === 'shows' || link.what === 'opaque');
  const top = state.stack.upper === undefined ? undefined : displayName(state.stack.upper.path);
  return { shown: shown?.path, chain, writable: shown !== undefined && shown.layer === top };
}

interface Step {
  readonly name: Name;
  /** All names up to this one. */
  readonly way: readonly Name[];
  readonly isLast: boolean;
}

/** Goes one name further in every layer, and says what each has there. */
function step(state: UnionState, walks: Walk[], at: Step): ChainLink[] {
  const chain: ChainLink[] = [];
  const inside = at.way.map(displayName).join('/');
  let hider: string | undefined;
  let found = false;
  for (const walk of walks) {
    const directory = walk.directory;
    walk.directory = undefined;
    if (directory === undefined || isReservedName(state.stack.xattrs, at.name)) continue;
    const finding = look(state.stack, directory, at.name, looked);
    if (finding === ABSENT) continue;
    const layer = displayName(walk.layer.path);
    const path = `${layer}/${inside}`;
    const by = walk.hiddenBy ?? hider;
    const isDirectory = finding !== WHITEOUT && (looked.mode & S_IFMT) === S_IFDIR;
    if (isDirectory) walk.directory = new RealDirectory(walk.layer, directory, at.name);
    const isOfUpper = walk.layer === state.stack.upper && at.isLast;
    const note = isOfUpper ? upperNote(state, directory, finding, at) : undefined;
    const base = { layer, path, ...(note === undefined ? {} : { note }) };
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
  for (const walk of walks) if (walk.directory !== undefined) state.stack.cache.drop(walk.directory);
  return chain;
}

/** A copy was born when it was copied up; which process did it, and who deleted something, is known for a while. */
function upperNote(
  state: UnionState,
  directory: RealDirectory,
  finding: ReturnType<typeof look>,
  { name, way }: Step,
): string | undefined {
  const kind = finding === WHITEOUT ? 'whiteout' : 'copy-up';
  const noted = state.history.find(kind, way.join('/'));
  const who = noted === undefined ? '' : ` by ${noted.process} (pid ${noted.pid})`;
  if (kind === 'whiteout') return noted && `deleted ${timeText(noted.timeMs)}${who}`;
  const dirfd = state.stack.descriptor(directory);
  if ((readMarks(state.stack.xattrs, dirfd, name) & (MARK_ORIGIN | MARK_METACOPY)) === 0) return undefined;
  const bornMs = noted?.timeMs ?? birthMs(dirfd, name);
  return bornMs === undefined ? 'copied up' : `copied up ${timeText(bornMs)}${who}`;
}

const born = new Statx();

function birthMs(dirfd: number, name: Name): number | undefined {
  if (statx(dirfd, name, AT_SYMLINK_NOFOLLOW, STATX_BTIME, born) < 0 || (born.mask & STATX_BTIME) === 0)
    return undefined;
  return born.btimeSec * 1000 + born.btimeNsec / 1e6;
}

function timeText(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

function isOpaqueDirectory(state: UnionState, dir: RealDirectory): boolean {
  const marks = readMarks(state.stack.xattrs, state.stack.descriptor(dir.parent!), dir.name);
  return (marks & MARK_OPAQUE) !== 0 || isOpaqueByFile(state.stack, dir);
}
