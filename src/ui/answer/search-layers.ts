/** What takes long: everything in every layer of a source, searched and measured. */

import { UserError } from '../../errno/user-error.js';
import { DirectorySizes } from '../../image/contents/directory-sizes.js';
import { type Criteria, type FoundObject, findObjects } from '../../image/contents/find-objects.js';
import type { ObjectType } from '../../image/contents/shown-facts.js';
import { wastedBytes } from '../../image/contents/wasted-bytes.js';
import { searchMatcher } from '../../image-build/context/pattern.js';
import type { Store } from '../../store/store.js';
import { displayName, type Name } from '../../vfs/name.js';
import type { FindReply, FoundLine, SpaceReply, WasteReply } from '../api.js';
import type { CallArguments } from '../call-arguments.js';
import { openStackedLayers } from './shown-tree.js';
import { TreeCache } from './tree-cache.js';

const MOST_ROWS = 1000;
const MOST_SPACES = 150;
const MOST_WASTE = 300;
const MS_PER_DAY = 86_400_000;
const SET_IDS = 0o6000;
/** Going down a treemap asks for one directory after the other. */
const KEEP_SIZES_MS = 60_000;

export function findInLayers(store: Store, args: CallArguments): FindReply {
  const criteria = criteriaOf(args);
  using layers = openStackedLayers(store, args.text('source'));
  const rows: FoundLine[] = [];
  for (const found of findObjects(layers, criteria)) {
    if (rows.length === MOST_ROWS) return { rows, isCut: true };
    rows.push(foundLine(found));
  }
  return { rows, isCut: false };
}

const TYPES: readonly ObjectType[] = ['file', 'directory', 'symlink', 'character', 'block', 'fifo', 'socket'];

function criteriaOf(args: CallArguments): Criteria {
  const pattern = args.optionalText('pattern');
  const content = args.optionalText('content');
  const type = args.optionalText('type');
  const days = args.number('days');
  const known = TYPES.find((one) => one === type);
  if (type !== undefined && known === undefined) throw new UserError(`invalid type '${type}'`);
  return {
    path: pattern === undefined || pattern === '' ? undefined : searchMatcher(pattern),
    content: content === undefined || content === '' ? undefined : Buffer.from(content),
    type: known,
    uid: args.number('uid'),
    anyMode: args.flag('isSetId') === true ? SET_IDS : undefined,
    minBytes: args.number('minBytes'),
    isHidden: args.flag('isHidden'),
    sinceMs: days === undefined ? undefined : Date.now() - days * MS_PER_DAY,
  };
}

function foundLine({ path, layer, hiddenBy, ...facts }: FoundObject): FoundLine {
  const { type, mode, uid, gid, sizeBytes, mtimeMs } = facts;
  return {
    path: displayName(path),
    layer: layer.number,
    createdBy: layer.createdBy,
    facts: { type, mode, uid, gid, sizeBytes, mtimeMs },
    hidden: hiddenBy && { layer: hiddenBy.layer.number, kind: hiddenBy.kind },
  };
}

const keptSizes = new TreeCache<{ readonly sizes: DirectorySizes }>(KEEP_SIZES_MS);

/** @throws UserError where there is no such directory. */
export function spaceOf(store: Store, source: string, path: Name): Promise<SpaceReply> {
  const measure = () => {
    using layers = openStackedLayers(store, source);
    return { sizes: new DirectorySizes(layers) };
  };
  return keptSizes.with(source, measure, ({ sizes }) => {
    const entries = sizes.at(path);
    if (entries === undefined) throw new UserError(`no layer has '/${displayName(path)}'`);
    const rest = entries.slice(MOST_SPACES);
    return {
      path: displayName(path),
      entries: entries.slice(0, MOST_SPACES).map(({ name, isDirectory, bytes, byLayer }) => ({
        name: displayName(name),
        isDirectory,
        bytes,
        byLayer: [...byLayer],
      })),
      rest: { count: rest.length, bytes: rest.reduce((sum, { bytes }) => sum + bytes, 0) },
    };
  });
}

export function wasteOf(store: Store, source: string): WasteReply {
  using layers = openStackedLayers(store, source);
  const { totalBytes, wastedBytes: wasted, bytesOf, files } = wastedBytes(layers);
  const byLayer = new Map<number, number>();
  for (const { layer, sizeBytes } of files)
    byLayer.set(layer.number, (byLayer.get(layer.number) ?? 0) + sizeBytes);
  return {
    totalBytes,
    wastedBytes: wasted,
    bytesOf,
    byLayer: [...byLayer],
    count: files.length,
    files: files.slice(0, MOST_WASTE).map(({ path, kind, sizeBytes, layer, causedBy, sameAs }) => ({
      path: displayName(path),
      kind,
      sizeBytes,
      layer: layer.number,
      causedBy: causedBy.number,
      createdBy: causedBy.createdBy,
      sameAs: sameAs && displayName(sameAs.path),
    })),
  };
}
