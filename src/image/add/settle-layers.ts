/**
 * What is left to do when all layers of an image are unpacked: directories that a layer only implies take over what the
 * layers below have there, and each layer gets its place in the stage.
 */

import type { Notices } from '../layer/entry-attributes.js';
import { inheritAttributes } from '../layer/inherit.js';
import type { ImageStage } from './image-stage.js';
import { addUnpacked } from './import-image.js';
import type { UnpackedLayer } from './unpack-layer.js';

/**
 * @param chain chainIDs in hex, bottom first.
 * @param unpacked for each of them; undefined: the store or the stage has it.
 * @param notices gets what was left out of layers.
 */
export function settleLayers(
  stage: ImageStage,
  chain: readonly string[],
  unpacked: readonly (UnpackedLayer | undefined)[],
  notices: Notices,
): void {
  // Bottom first: what a directory inherits is then complete.
  for (const [index, hex] of chain.entries()) {
    const layer = unpacked[index];
    if (layer === undefined) continue;
    const below = chain.slice(0, index);
    const from = Math.max(
      below.findLastIndex((one) => stage.isRootOpaque(one)),
      0,
    );
    const lowers = below.slice(from).map((one) => stage.layerTree(one));
    const { tree, trash } = layer.staged;
    inheritAttributes({ tree, trash, implicit: layer.applied.implicit }, lowers);
    addUnpacked(stage, hex, layer);
    for (const [what, count] of layer.applied.notices) notices.set(what, (notices.get(what) ?? 0) + count);
  }
}
