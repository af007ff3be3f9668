/**
 * Owners of one mount: how those of the storage show, and how new ones are stored.
 *
 * Without a map both are the same. An id that no range covers shows as nobody (65534) and cannot be stored
 * (EOVERFLOW), as on the kernel's idmapped mounts.
 */

import { EOVERFLOW, EPERM } from '../../errno/errno.js';
import { fsError } from '../../errno/fs-error.js';
import { type IdRange, NOBODY_ID, shownId, storedId } from '../../realfs/id-ranges.js';
import type { OwnerMapping } from '../request/types.js';

export class OwnerMap {
  readonly #mapping: OwnerMapping;
  /** Owner of the source's root, as whom squashed files are stored. */
  readonly #root: { readonly uid: number; readonly gid: number };

  constructor(mapping: OwnerMapping, root: { uid: number; gid: number }) {
    this.#mapping = mapping;
    this.#root = root;
  }

  get squashes(): boolean {
    return this.#mapping.squash !== undefined;
  }

  shownUid(uid: number): number {
    const { squash, uidmap } = this.#mapping;
    return squash === undefined ? shownId(uid, uidmap) : squash.uid;
  }

  shownGid(gid: number): number {
    const { squash, gidmap } = this.#mapping;
    return squash === undefined ? shownId(gid, gidmap) : squash.gid;
  }

  /** @throws EOVERFLOW for an id outside the map. */
  storedUid(uid: number): number {
    const { squash, uidmap } = this.#mapping;
    return squash === undefined ? stored(uid, uidmap) : this.#root.uid;
  }

  storedGid(gid: number): number {
    const { squash, gidmap } = this.#mapping;
    return squash === undefined ? stored(gid, gidmap) : this.#root.gid;
  }

  /** As whom the host is asked for a caller: one whom no range covers is nobody there. */
  actingUid(uid: number): number {
    const { squash, uidmap } = this.#mapping;
    return squash === undefined ? (storedId(uid, uidmap) ?? NOBODY_ID) : this.#root.uid;
  }

  actingGid(gid: number): number {
    const { squash, gidmap } = this.#mapping;
    return squash === undefined ? (storedId(gid, gidmap) ?? NOBODY_ID) : this.#root.gid;
  }

  /** @throws EPERM when everything has one owner and another is asked for. */
  assertChangeable(uid: number | undefined, gid: number | undefined): void {
    const { squash } = this.#mapping;
    if (squash === undefined) return;
    if ((uid ?? squash.uid) !== squash.uid || (gid ?? squash.gid) !== squash.gid)
      throw fsError(EPERM, 'chown');
  }
}

function stored(id: number, ranges: readonly IdRange[] | undefined): number {
  const found = storedId(id, ranges);
  if (found === undefined) throw fsError(EOVERFLOW, 'chown');
  return found;
}
