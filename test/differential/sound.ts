/** Keeps drawn layers to forms that kernel overlayfs makes itself, so that a difference says something of plyfs. */

import { type DirSpec, type Layers, mergeLayers, type NodeSpec } from '../helpers/layers.js';

/**
 * Whiteouts only where a directory below has them hide something: overlayfs never makes others, and lists those in a
 * directory that merges with none (the suite `lookup` has a case for that). Hard links only to what the layer has.
 */
export function soundLayers(stack: Layers): Layers {
  const sound: DirSpec[] = [];
  for (const each of stack) {
    const linked = withoutLooseLinks(each, each);
    sound.push(soundDir(linked, sound.length === 0 ? undefined : mergeLayers(sound)));
  }
  return sound;
}

function withoutLooseLinks(node: DirSpec, layer: DirSpec): DirSpec {
  const entries = Object.entries(node.entries).flatMap(([key, child]): [string, NodeSpec][] => {
    if (child.type === 'dir') return [[key, withoutLooseLinks(child, layer)]];
    return child.type !== 'hardlink' || isLinkable(layer, child.to.split('/')) ? [[key, child]] : [];
  });
  return { ...node, entries: Object.fromEntries(entries) };
}

function isLinkable(node: NodeSpec | undefined, [next, ...rest]: readonly string[]): boolean {
  if (next === undefined) return node !== undefined && node.type !== 'dir' && node.type !== 'whiteout';
  return node?.type === 'dir' && isLinkable(node.entries[next], rest);
}

function soundDir(above: DirSpec, below: DirSpec | undefined): DirSpec {
  const under = above.opaque === undefined ? below : undefined;
  const entries = Object.entries(above.entries).flatMap(([key, node]): [string, NodeSpec][] => {
    if (node.type === 'whiteout') return under === undefined ? [] : [[key, node]];
    if (node.type !== 'dir') return [[key, node]];
    const next = under?.entries[key];
    return [[key, soundDir(node, next?.type === 'dir' ? next : undefined)]];
  });
  return { ...above, entries: Object.fromEntries(entries) };
}
