/**
 * The thread that answers calls of the page: what reads trees is synchronous, and the server must go on meanwhile.
 */

import { workerData } from 'node:worker_threads';
import { Store } from '../../store/store.js';
import { type Name, nameFromText } from '../../vfs/name.js';
import type { ShownLayer } from '../api.js';
import type { CallArguments } from '../call-arguments.js';
import { answerCalls } from '../thread-calls.js';
import { compareSources, hunksBetween } from './compare-sources.js';
import { listedDrafts, reviewedDraft } from './describe-drafts.js';
import { describeStack, shownLayers } from './describe-stack.js';
import { describeStore } from './describe-store.js';
import { describeVolume, driftOf, measuredVolume } from './describe-volume.js';
import { explainSource } from './explain-source.js';
import { listDirectory, type MountTypes } from './list-directory.js';
import { type FilePlace, readPiece, readPreview } from './read-file.js';
import { findInLayers, spaceOf, wasteOf } from './search-layers.js';
import { openShownTree, type ShownTree } from './shown-tree.js';
import { TreeCache } from './tree-cache.js';

/** A living tree is opened anew that often. */
const KEEP_TREES_MS = 3_000;
/** A volume that is open is in use: it can neither be renamed nor removed meanwhile. */
const KEEP_VOLUMES_MS = 200;
const PIECE_BYTES = 1 << 20;
const DEFAULT_ENTRIES = 200;

const store = new Store((workerData as { readonly root: string }).root);
const trees = new TreeCache<ShownTree>(KEEP_TREES_MS);
const volumes = new TreeCache<ShownTree>(KEEP_VOLUMES_MS);

function withTree<T>(source: string, use: (tree: ShownTree) => T | Promise<T>): Promise<T> {
  const cache = source.startsWith('volume:') ? volumes : trees;
  return cache.with(source, () => openShownTree(store, source), use);
}

function pathOf(args: CallArguments): Name {
  return nameFromText(args.text('path'));
}

function placeOf(args: CallArguments): FilePlace {
  return { path: pathOf(args), layer: args.number('layer') };
}

const mountTypes = new TreeCache<{ readonly types: MountTypes }>(KEEP_TREES_MS);

async function mountTypesOf(source: string): Promise<MountTypes> {
  const read = async () => {
    const { mounts } = await describeStack(store, source);
    return { types: new Map(mounts.map(({ target, type }) => [nameFromText(target.slice(1)), type])) };
  };
  return mountTypes.with(source, read, ({ types }) => types);
}

const answers: Readonly<Record<string, (args: CallArguments) => unknown>> = {
  overview: () => describeStore(store),
  stack: (args) => describeStack(store, args.text('source')),
  directory: async (args) => {
    const source = args.text('source');
    const name = args.optionalText('name');
    const page = {
      source,
      path: pathOf(args),
      from: args.number('from') ?? 0,
      count: args.number('count') ?? DEFAULT_ENTRIES,
      isChanged: args.flag('isChanged') ?? false,
      name: name === undefined || name === '' ? undefined : nameFromText(name),
    };
    const types = await mountTypesOf(source);
    return withTree(source, (tree) => listDirectory(tree, page, types));
  },
  why: (args) => {
    const source = args.text('source');
    const layers: readonly ShownLayer[] = shownLayers(store, source);
    return withTree(source, (tree) => explainSource(store, source, { tree, path: pathOf(args), layers }));
  },
  content: (args) => withTree(args.text('source'), (tree) => readPreview(tree, placeOf(args))),
  piece: (args) =>
    withTree(args.text('source'), (tree) =>
      readPiece(tree, placeOf(args), args.number('offset') ?? 0, PIECE_BYTES),
    ),
  space: (args) => spaceOf(store, args.text('source'), pathOf(args)),
  waste: (args) => wasteOf(store, args.text('source')),
  find: (args) => findInLayers(store, args),
  compare: (args) => compareSources(store, sidesOf(args), { ignoresTimes: args.flag('isSemantic') ?? false }),
  volume: (args) => describeVolume(store, args.text('volume')),
  measure: (args) => measuredVolume(store, args.text('volume')),
  drift: (args) => driftOf(store, args.text('volume')),
  drafts: () => listedDrafts(store),
  review: (args) => reviewedDraft(store, args.text('draft')),
  hunks: (args) => hunksBetween(store, sidesOf(args), pathOf(args)),
};

function sidesOf(args: CallArguments): { readonly before: string; readonly after: string } {
  return { before: args.text('before'), after: args.text('after') };
}

answerCalls(answers);
