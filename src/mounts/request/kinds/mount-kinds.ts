/** The kind of each type of mount. */

import type { MountRequest, MountType } from '../types.js';
import { bindKind } from './bind-kind.js';
import { imageKind } from './image-kind.js';
import type { MountKind, RequestOf } from './mount-kind.js';
import { tmpfsKind } from './tmpfs-kind.js';
import { volumeKind } from './volume-kind.js';

const kinds: { readonly [T in MountType]: MountKind<RequestOf<T>> } = {
  bind: bindKind,
  volume: volumeKind,
  tmpfs: tmpfsKind,
  image: imageKind,
};

export function mountKindOf<R extends MountRequest>(request: R): MountKind<R> {
  // The table has each kind below the type of its own requests.
  return kinds[request.type] as unknown as MountKind<R>;
}

/** Undefined for a word that is no type of mount. */
export function kindNamed(type: string): MountKind<MountRequest> | undefined {
  // As above: a kind is given requests of its own type alone.
  return Object.hasOwn(kinds, type)
    ? (kinds[type as MountType] as unknown as MountKind<MountRequest>)
    : undefined;
}
