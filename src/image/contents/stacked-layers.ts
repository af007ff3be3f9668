/**
 * Layers with every object in them, also what other layers hide: those of an image, and a container's changes on top.
 *
 * People count layers from the bottom, beginning with 1, as `image history` read from its end; so does this folder.
 */

import { openStack, type ViewOptions } from '../../union/open-view.js';
import type { LayerStack } from '../../union/stack/layer-stack.js';
import { type LayerObject, walkLayers } from '../../union/walk-layers.js';
import { nameFromText } from '../../vfs/name.js';

export interface NumberedLayer {
  /** 1 is the bottom. */
  readonly number: number;
  /** chainID in hex; '' of what is no layer of the store. */
  readonly hex: string;
  /** The line of the history that made it; '' where there is none. */
  readonly createdBy: string;
}

export interface StackedDirectory extends NumberedLayer {
  /** Absolute; text. */
  readonly path: string;
  readonly isRootOpaque: boolean;
}

/** Why an object does not show. */
export interface Hiding {
  readonly layer: NumberedLayer;
  readonly kind: 'whiteout' | 'opaque' | 'replaced';
}

/** An object, and in which layer it lies. */
export interface StackedObject {
  readonly object: LayerObject;
  readonly layer: NumberedLayer;
  readonly hiddenBy: Hiding | undefined;
}

export class StackedLayers implements Disposable {
  readonly #stack: LayerStack;
  /** Topmost first, as the stack's. */
  readonly #layers: readonly NumberedLayer[];
  readonly #opaqueRoots: ReadonlySet<number>;

  /**
   * @param directories bottom first; numbers count on from the bottom.
   * @param upper of a container, on top of them.
   * @throws FsError where a layer cannot be opened.
   */
  constructor(directories: readonly StackedDirectory[], upper?: ViewOptions['upper']) {
    const layers = directories.toReversed();
    const top = { number: layers.length + 1, hex: '', createdBy: '', isRootOpaque: false };
    const all = upper === undefined ? layers : [top, ...layers];
    this.#layers = all;
    this.#opaqueRoots = new Set(all.flatMap(({ isRootOpaque }, index) => (isRootOpaque ? [index] : [])));
    const paths = directories.map(({ path }) => nameFromText(path));
    this.#stack = openStack(upper === undefined ? { layers: paths } : { layers: paths, upper });
  }

  /** Sorted by path, of one path the topmost layer first; the roots are left out. */
  *objects(): Generator<StackedObject> {
    for (const object of walkLayers(this.#stack, this.#opaqueRoots)) {
      const { hiddenBy } = object;
      yield {
        object,
        layer: this.#layers[object.layer]!,
        hiddenBy: hiddenBy && { layer: this.#layers[hiddenBy.layer]!, kind: hiddenBy.kind },
      };
    }
  }

  [Symbol.dispose](): void {
    this.#stack.close();
  }
}
