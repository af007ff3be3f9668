/**
 * Makes a run that fails smaller while it still fails: fewer steps, fewer layers, fewer entries.
 *
 * fast-check's own shrinking would draw the paths of all later steps anew with each change, since they depend on what
 * exists. Here a run is plain data and each attempt removes a part of it.
 */

import type { DirSpec, Layers } from '../helpers/layers.js';
import type { Run } from './draw.js';
import { soundLayers } from './sound.js';

/** @param fails whether a run still fails; it is asked one run after the other until `deadlineMs` (of Date.now). */
export async function shrink(
  run: Run,
  fails: (run: Run) => Promise<boolean>,
  deadlineMs: number,
): Promise<Run> {
  let best = run;
  for (;;) {
    const smaller = await firstFailing(candidates(best), fails, deadlineMs);
    if (smaller === undefined) return best;
    best = smaller;
  }
}

async function firstFailing(
  runs: Iterable<Run>,
  fails: (run: Run) => Promise<boolean>,
  deadlineMs: number,
): Promise<Run | undefined> {
  for (const run of runs) {
    if (Date.now() > deadlineMs) return undefined;
    if (await fails(run)) return run;
  }
  return undefined;
}

/** Large cuts first. */
function* candidates(run: Run): Generator<Run> {
  for (const steps of cuts(run.steps)) yield { ...run, steps };
  for (const layers of cuts(run.layers)) if (layers.length > 0) yield { ...run, layers: soundLayers(layers) };
  for (const layers of smallerLayers(run.layers)) yield { ...run, layers: soundLayers(layers) };
}

/** The list without its second half, its first, each quarter, ... each single element. */
function* cuts<T>(list: readonly T[]): Generator<T[]> {
  for (let size = Math.ceil(list.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = list.length - size; from > -size; from -= size) {
      yield [...list.slice(0, Math.max(0, from)), ...list.slice(Math.max(0, from) + size)];
    }
  }
}

function* smallerLayers(layers: Layers): Generator<Layers> {
  for (const [index, layer] of layers.entries()) {
    for (const smaller of smallerDirs(layer)) yield layers.map((kept, at) => (at === index ? smaller : kept));
  }
}

/** The directory without one entry, not opaque, or with one entry smaller. */
function* smallerDirs(node: DirSpec): Generator<DirSpec> {
  const entries = Object.entries(node.entries);
  for (const [name] of entries) {
    yield { ...node, entries: Object.fromEntries(entries.filter(([kept]) => kept !== name)) };
  }
  if (node.opaque !== undefined) yield { ...node, opaque: undefined };
  for (const [name, child] of entries) {
    if (child.type !== 'dir') continue;
    for (const smaller of smallerDirs(child))
      yield { ...node, entries: { ...node.entries, [name]: smaller } };
  }
}
