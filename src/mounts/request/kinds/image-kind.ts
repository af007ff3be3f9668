/** An image of the store, read-only: the whole of it, or a directory or file in it. */

import { UserError } from '../../../errno/user-error.js';
import { requireSource } from '../mount-fields.js';
import { parseSubpath } from '../paths.js';
import type { ImageRequest } from '../types.js';
import type { MountKind } from './mount-kind.js';

export const imageKind: MountKind<ImageRequest> = {
  parse(draft, common) {
    if (draft.readOnly === false) throw new UserError('an image mount is always read-only');
    const { imageSubpath } = draft;
    return {
      ...common,
      type: 'image',
      readOnly: true,
      source: requireSource(draft),
      ...(imageSubpath !== undefined && { subpath: parseSubpath(imageSubpath, 'image') }),
    };
  },

  plan: (request) => request,

  // What a subpath leads to shows when it is opened.
  isFile: () => false,

  describe: ({ subpath }) => ({ key: 'ImageOptions', options: { Subpath: subpath } }),
};
