/** Which containers need an image: as their own, or as a mount. */

import { type ContainerRecord, listContainers } from '../store/container-record.js';
import type { Store } from '../store/store.js';
import { findImage } from './image-index.js';
import type { Digest } from './oci.js';

/** By image id; a container that needs an image twice is there once. */
export function imageUsers(store: Store): ReadonlyMap<Digest, readonly ContainerRecord[]> {
  const users = new Map<Digest, ContainerRecord[]>();
  for (const record of listContainers(store)) {
    for (const id of neededBy(store, record)) users.set(id, [...(users.get(id) ?? []), record]);
  }
  return users;
}

function neededBy(store: Store, { image, mounts }: ContainerRecord): Set<Digest> {
  const mounted = mounts.flatMap(({ request }) => {
    const id = request.type === 'image' ? findImage(store, request.source)?.id : undefined;
    return id === undefined ? [] : [id];
  });
  return new Set([image.id, ...mounted]);
}
