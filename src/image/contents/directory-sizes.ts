/**
 * What takes the space of layers, by directory and layer: what a treemap is drawn of.
 *
 * Counted are the contents of regular files, hidden ones too, each file once whatever names it has in its layer.
 */

import type { Name } from '../../vfs/name.js';
import { objectType } from './shown-facts.js';
import type { StackedLayers } from './stacked-layers.js';

interface SizedEntry {
  readonly name: Name;
  readonly isDirectory: boolean;
  readonly bytes: number;
  /** Bytes by the number of their layer. */
  readonly byLayer: ReadonlyMap<number, number>;
}

class SizedNode {
  readonly byLayer = new Map<number, number>();
  readonly children = new Map<Name, SizedNode>();
  isDirectory = false;
}

export class DirectorySizes {
  readonly #root = new SizedNode();

  /** @throws FsError where a layer cannot be read. */
  constructor(layers: StackedLayers) {
    this.#root.isDirectory = true;
    const counted = new Set<string>();
    for (const { object, layer } of layers.objects()) {
      const { path, stat } = object;
      const type = objectType(stat.mode);
      if (type === 'directory') this.#add(path, layer.number, 0).isDirectory = true;
      if (type !== 'file') continue;
      const key = `${layer.number}:${stat.ino}`;
      if (stat.nlink > 1 && counted.has(key)) continue;
      if (stat.nlink > 1) counted.add(key);
      this.#add(path, layer.number, stat.sizeBytes);
    }
  }

  #add(path: Name, layer: number, bytes: number): SizedNode {
    let node = this.#root;
    const count = (at: SizedNode): void => {
      if (bytes > 0) at.byLayer.set(layer, (at.byLayer.get(layer) ?? 0) + bytes);
    };
    count(node);
    for (const name of path.split('/')) {
      let child = node.children.get(name);
      if (child === undefined) {
        child = new SizedNode();
        node.children.set(name, child);
      }
      node = child;
      count(node);
    }
    return node;
  }

  /** What is in a directory, largest first. @param path '' is the root. @returns undefined where there is no such. */
  at(path: Name): SizedEntry[] | undefined {
    let node: SizedNode | undefined = this.#root;
    for (const name of path.split('/').filter((one) => one !== '')) node = node?.children.get(name);
    if (node === undefined) return undefined;
    return [...node.children]
      .map(([name, { isDirectory, byLayer }]) => ({ name, isDirectory, byLayer, bytes: sum(byLayer) }))
      .sort((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1));
  }
}

function sum(byLayer: ReadonlyMap<number, number>): number {
  return [...byLayer.values()].reduce((total, bytes) => total + bytes, 0);
}
