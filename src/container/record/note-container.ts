/** What happens to containers, for `plyfs events`: with the attributes that Docker gives its events. */

import type { ContainerRecord, Rootfs } from '../../store/container-record.js';
import { noteEvent } from '../../store/event-log.js';
import type { Store } from '../../store/store.js';

/** A tree that is no container's, that of a step of a build, makes no events. */
export function noteContainer(
  store: Store,
  tree: ContainerRecord | Pick<Rootfs, 'id' | 'name'>,
  action: string,
  attributes: Readonly<Record<string, string>> = {},
): void {
  if (!('image' in tree)) return;
  const { id, name, image, labels } = tree;
  noteEvent(store, {
    type: 'container',
    action,
    id,
    attributes: { ...labels, image: image.name, name, ...attributes },
  });
}
