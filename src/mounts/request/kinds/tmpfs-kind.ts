/** A tmpfs: a directory in memory that the mount alone has. */

import { UserError } from '../../../errno/user-error.js';
import type { TmpfsRequest } from '../types.js';
import type { MountKind } from './mount-kind.js';

export const tmpfsKind: MountKind<TmpfsRequest> = {
  parse(draft, common) {
    if (draft.source !== undefined) throw new UserError('field Source must not be specified');
    for (const key of ['remote', 'timeout']) {
      if (draft.keys.has(key)) throw new UserError(`cannot mix option '${key}' with mount type 'tmpfs'`);
    }
    return {
      ...common,
      type: 'tmpfs',
      source: undefined,
      // Size 0 is "no limit", to Docker and to the kernel.
      ...(draft.sizeBytes && { sizeBytes: draft.sizeBytes }),
      ...(draft.mode !== undefined && { mode: draft.mode }),
    };
  },

  plan: (request) => request,

  isFile: () => false,

  describe: ({ sizeBytes, mode }) => ({ key: 'TmpfsOptions', options: { SizeBytes: sizeBytes, Mode: mode } }),
};
