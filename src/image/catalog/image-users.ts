/** Which containers need an image: as their own, or as a mount. */

import { imageNameOf } from '../../mounts/request/named-sources.js';
import { type ContainerRecord, listContainers } from '../../store/container-record.js';
import type { Store } from '../../store/store.js';
import type { Digest } from '../oci/oci.js';
import { findImage } from './image-index.js';

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
    const name = imageNameOf(request);
    const id = name === undefined ? undefined : findImage(store, name)?.id;
    return id === undefined ? [] : [id];
  });
  return new Set([image.id, ...mounted]);
}
