/** Where a layer has what a redirect leads to: see form/redirect.ts for the form. */

import { S_IFDIR, S_IFMT } from '../../linux/constants.js';
import { Statx } from '../../linux/files/statx.js';
import type { Name } from '../../vfs/name.js';
import { readMark, readMarks } from '../form/marks.js';
import { MARK_OPAQUE, MARK_REDIRECT } from '../form/overlay-xattrs.js';
import { Trail } from '../form/redirect.js';
import { type Layer, RealDirectory } from './layer.js';
import type { LayerStack } from './layer-stack.js';
import { ABSENT, isOpaqueByFile, look, WHITEOUT } from './probe-name.js';

const NAME_MAX = 255;
const found = new Statx();

/** What a layer has at the end of a path. */
type Step = { readonly parent: RealDirectory; readonly name: Name } | 'stop' | undefined;

/**
 * Walks all but the last name of an absolute trail in one layer, and changes the trail by redirects on the way.
 * @returns where to look for the last name; undefined when this layer lacks the path, 'stop' when it hides those below.
 */
function walkTrail(stack: LayerStack, layer: Layer, trail: Trail): Step {
  const names = trail.path!;
  let dir = layer.root;
  for (let i = 0; i < names.length - 1; i++) {
    const name = names[i]!;
    const finding = name.length > NAME_MAX ? ABSENT : look(stack, dir, name, found);
    if (finding === ABSENT) return undefined;
    if (finding === WHITEOUT || (found.mode & S_IFMT) !== S_IFDIR) return 'stop';
    const marks = readMarks(stack.xattrs, stack.descriptor(dir), name);
    if ((marks & MARK_REDIRECT) !== 0) {
      const head = new Trail(name);
      head.path = names.slice(0, i + 1);
      head.last = trail.last;
      head.follow(readMark(stack.descriptor(dir), name, stack.xattrs.redirect));
      trail.path = [...head.path, ...names.slice(i + 1)];
      trail.last = head.last;
    }
    dir = new RealDirectory(layer, dir, name);
    if ((marks & MARK_OPAQUE) !== 0 || isOpaqueByFile(stack, dir)) trail.last = true;
  }
  return stepTo(dir, names[names.length - 1]!);
}

/** No layer has a longer name. */
function stepTo(parent: RealDirectory, name: Name): Step {
  return name.length > NAME_MAX ? undefined : { parent, name };
}

/** Where layer `index` has what the trail leads to. */
export function nextStep(
  stack: LayerStack,
  parents: readonly RealDirectory[],
  index: number,
  trail: Trail,
): Step {
  if (trail.path !== undefined) return walkTrail(stack, stack.layers[index]!, trail);
  const parent = parents.find((dir) => dir.layer.index === index);
  return parent === undefined ? undefined : stepTo(parent, trail.name);
}
