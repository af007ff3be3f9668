/** The volume of a container's mount: made when it is missing, named when it is anonymous. */

import type { VolumeRequest } from '../../mounts/request/types.js';
import type { ContainerMount } from '../../store/container-record.js';
import type { Intent } from '../../store/intent.js';
import type { Store } from '../../store/store.js';
import { ensureVolume } from '../../volume/create-volume.js';

interface ForContainer {
  readonly id: string;
  /** As typed. */
  readonly image: string;
  /** Takes an anonymous volume back. */
  readonly intent: Intent;
}

/** Other mounts are returned as they are. PRECONDITION: the store is locked. @throws UserError */
export function withVolume(
  store: Store,
  mount: ContainerMount,
  { id, image, intent }: ForContainer,
): ContainerMount {
  const { request } = mount;
  if (request.type !== 'volume') return mount;
  const madeFor = { container: id, image, path: request.target };
  const { record } = ensureVolume(store, request, { undo: intent, madeFor });
  const unnamed = mount.unnamed ?? request.source === undefined;
  return { ...mount, unnamed, request: { ...request, source: record.name } satisfies VolumeRequest };
}
