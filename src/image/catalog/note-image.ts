/** What happens to images, for `plyfs events`. */

import { noteEvent } from '../../store/event-log.js';
import type { Store } from '../../store/store.js';

type ImageAction = 'delete' | 'import' | 'load' | 'pull' | 'push' | 'save' | 'tag' | 'untag';

/** @param id of the image; of a pull and a push the name, as Docker has it. */
export function noteImage(store: Store, id: string, action: ImageAction, name = id): void {
  noteEvent(store, { type: 'image', action, id, attributes: { name } });
}
