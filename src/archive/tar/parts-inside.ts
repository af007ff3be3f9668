/**
 * Names in tars as paths below the directory that a tar is unpacked in: absolute ones too, as tar, Docker and umoci take
 * them (kaniko, nix and distroless write such layers).
 */

import type { Name } from '../../vfs/name.js';

/** The components, without dots; `a/../b` is `b`, whatever `a` is. Undefined: the name leads out. */
export function partsInside(name: Name): Name[] | undefined {
  const parts: Name[] = [];
  for (const part of name.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts;
}
