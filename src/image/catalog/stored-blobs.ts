/** The blobs of the store, by the hex of their digests. */

import { readdirSync, statSync } from 'node:fs';
import { isMissing } from '../../store/atomic-file.js';
import type { Store } from '../../store/store.js';

export function blobNames(store: Store): string[] {
  try {
    return readdirSync(store.path('images', 'blobs', 'sha256')).sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

export function sizeOfBlob(store: Store, hex: string): number {
  return statSync(store.path('images', 'blobs', 'sha256', hex)).size;
}
