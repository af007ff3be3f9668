/** What happens to volumes, for `plyfs events`. */

import { noteEvent } from '../store/event-log.js';
import type { Store } from '../store/store.js';

export function noteVolume(
  store: Store,
  name: string,
  action: 'create' | 'destroy' | 'rename',
  attributes: Readonly<Record<string, string>> = {},
): void {
  noteEvent(store, { type: 'volume', action, id: name, attributes: { driver: 'local', ...attributes } });
}
