/**
 * One directory of the merged tree, with what each layer has under each of its names: for who looks at a tree a page at a time.
 *
 * What shows is found as the mount finds it, redirects included; besides there are names that only a hidden directory has.
 */

import { S_IFDIR, S_IFMT } from '../linux/constants.js';
import { Entry } from '../vfs/attr.js';
import type { FileSystem } from '../vfs/file-system.js';
import type { Name } from '../vfs/name.js';
import { type NodeId, ROOT_NODE } from '../vfs/node-id.js';
import { directoriesOf } from './nodes/node.js';
import type { UnionState } from './nodes/union-state.js';
import type { LayerStack } from './stack/layer-stack.js';
import { type LayerObject, type LayerPart, leaveParts, namesOfParts, objectsOfParts } from './walk-layers.js';

export class LayeredDirectory implements Disposable {
  readonly #stack: LayerStack;
  readonly #path: Name;
  readonly #parts: readonly LayerPart[];
  readonly #close: () => void;

  constructor(
    at: { readonly stack: LayerStack; readonly path: Name },
    parts: readonly LayerPart[],
    close: () => void,
  ) {
    this.#stack = at.stack;
    this.#path = at.path;
    this.#parts = parts;
    this.#close = close;
  }

  /** Sorted by their bytes. @throws FsError where a layer cannot be read. */
  names(): Name[] {
    return namesOfParts(this.#stack, this.#parts);
  }

  /**
   * Calls `use` with what each layer has under the name, topmost first, and gives what it returned; an object is valid during the
   * call alone. Nothing: a whiteout alone, or no such name.
   */
  eachObject<T>(name: Name, use: (object: LayerObject) => T): T[] {
    const inside: LayerPart[] = [];
    const results: T[] = [];
    try {
      for (const object of objectsOfParts(this.#stack, this.#parts, {
        name,
        path: below(this.#path, name),
        inside,
      }))
        results.push(use(object));
    } finally {
      leaveParts(this.#stack, inside);
    }
    return results;
  }

  [Symbol.dispose](): void {
    this.#close();
  }
}

/** @param fs of the same state. @returns undefined where no layer has a directory at the path. */
export function openLayeredDirectory(
  state: UnionState,
  fs: Pick<FileSystem, 'lookup' | 'forget'>,
  names: readonly Name[],
): LayeredDirectory | undefined {
  const { stack } = state;
  const opened: LayerPart[] = [];
  const held: NodeId[] = [];
  const close = (): void => {
    leaveParts(stack, opened);
    for (const id of held) fs.forget(id, 1);
  };
  let parts = stack.layers.map(
    ({ root }, layer): LayerPart => ({ layer, directory: root, hiddenBy: undefined }),
  );
  let node: NodeId | undefined = ROOT_NODE;
  let path = '';
  for (const name of names) {
    path = below(path, name);
    const inside: LayerPart[] = [];
    // The walk itself is all: it leaves directories in `inside`.
    for (const _ of objectsOfParts(stack, parts, { name, path, inside }));
    opened.push(...inside);
    node = node === undefined ? undefined : directoryAt(fs, { parent: node, name }, held);
    const shown = node === undefined ? [] : shownParts(state, node);
    const hidden = inside.filter(
      ({ layer, hiddenBy }) => hiddenBy !== undefined && !shown.some((part) => part.layer === layer),
    );
    parts = [...shown, ...hidden].sort((a, b) => a.layer - b.layer);
    if (parts.length > 0) continue;
    close();
    return undefined;
  }
  return new LayeredDirectory({ stack, path }, parts, close);
}

/** @param held gets what is found, to be forgotten. */
function directoryAt(
  fs: Pick<FileSystem, 'lookup'>,
  { parent, name }: { readonly parent: NodeId; readonly name: Name },
  held: NodeId[],
): NodeId | undefined {
  const entry = new Entry();
  if (!fs.lookup(parent, name, entry)) return undefined;
  held.push(entry.nodeId);
  return (entry.attr.mode & S_IFMT) === S_IFDIR ? entry.nodeId : undefined;
}

function shownParts(state: UnionState, id: NodeId): LayerPart[] {
  return directoriesOf(state.nodes.current(id)).map((directory) => ({
    layer: directory.layer.index,
    directory,
    hiddenBy: undefined,
  }));
}

function below(path: Name, name: Name): Name {
  return path === '' ? name : `${path}/${name}`;
}
