/** `why` of a source: by the daemon where it is mounted, else by the union that this process reads. */

import { resolveContainer } from '../../container/record/find.js';
import { containerStatus, mountPointOf } from '../../container/record/status.js';
import { explainPath } from '../../daemon/client/explain-path.js';
import type { WhyReply } from '../../daemon/messages/why-reply.js';
import { historyOfDirectory } from '../../image/catalog/layer-history.js';
import { objectFacts } from '../../image/contents/shown-facts.js';
import { TreeSide } from '../../image/contents/tree-side.js';
import { S_IFLNK, S_IFMT } from '../../linux/constants.js';
import type { Store } from '../../store/store.js';
import { displayName, type Name, nameFromText } from '../../vfs/name.js';
import type { ShownLayer, WhyAnswer } from '../api.js';
import { namesOfPath } from './list-directory.js';
import { parseSource, type ShownTree } from './shown-tree.js';

/** @throws UserError, FsError */
export async function explainSource(
  store: Store,
  source: string,
  at: { readonly tree: ShownTree; readonly path: Name; readonly layers: readonly ShownLayer[] },
): Promise<WhyAnswer> {
  const { tree, path, layers } = at;
  const names = namesOfPath(path);
  const mountPoint = mountPointOfSource(store, source);
  const reply =
    mountPoint === undefined ? explained(tree, names) : await explainPath(`${mountPoint}/${names.join('/')}`);
  const side = new TreeSide(tree.fs);
  const [facts, target] =
    names.length === 0
      ? [objectFacts(side.root().attr), undefined]
      : side.at(names.join('/'), (object) => [
          object && objectFacts(object.attr),
          object !== undefined && (object.attr.mode & S_IFMT) === S_IFLNK
            ? displayName(side.target(object))
            : undefined,
        ]);
  return {
    path: `/${names.map(displayName).join('/')}`,
    shown: reply.shown,
    readOnly: reply.readOnly,
    facts: facts as WhyAnswer['facts'],
    target: target as string | undefined,
    chain: reply.chain.map(({ what, path: place, layer, by, note }) => ({
      what,
      path: place,
      layer: layers.find((one) => one.path === layer)?.number,
      ...(by === undefined ? {} : { by: withLayerNumbers(by, layers) }),
      ...(note === undefined ? {} : { note }),
    })),
  };
}

/** The words of who hides something, with the number of a layer instead of its directory on the host. */
function withLayerNumbers(text: string, layers: readonly ShownLayer[]): string {
  return layers.reduce((words, { path, number }) => words.replace(`${path}/`, `of layer ${number}: /`), text);
}

/** @returns undefined of what is not mounted. */
function mountPointOfSource(store: Store, source: string): Name | undefined {
  const { kind, name } = parseSource(source);
  if (kind === 'mount') return nameFromText(name);
  if (kind !== 'container') return undefined;
  const record = resolveContainer(store, name);
  const { daemon } = containerStatus(store, record);
  return daemon === undefined ? undefined : nameFromText(mountPointOf(store, record));
}

function explained(
  { union }: ShownTree,
  names: readonly Name[],
): Pick<WhyReply, 'shown' | 'chain' | 'readOnly'> {
  if (union === undefined) return { shown: null, chain: [] };
  const { chain, shown, writable } = union.explain(names);
  const kind = writable ? 'upper' : 'layer';
  return {
    shown: shown === undefined ? null : { kind, where: shown },
    chain: chain.map((step) => {
      const note = historyOfDirectory(step.layer);
      return note === undefined ? step : { ...step, note };
    }),
  };
}
