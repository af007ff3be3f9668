/** What of the store a request names; apart from the kinds, since whatever reads records asks it. */

import type { MountRequest } from './types.js';

/** The volume that the request names: undefined for a new anonymous one, and for what is no volume. */
export function volumeNameOf(request: MountRequest): string | undefined {
  return request.type === 'volume' ? request.source : undefined;
}

/** The image that the request shows, as it was typed. */
export function imageNameOf(request: MountRequest): string | undefined {
  return request.type === 'image' ? request.source : undefined;
}
