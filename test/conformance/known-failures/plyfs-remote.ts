/** What binds on remote storage fail, with the reason. */

import type { KnownFailures } from '../run-suites.js';

export const plyfsRemoteFailures: KnownFailures = {
  'host-changes: a file changed on the host changes in descriptors and shared maps, and the reverse':
    'what is mapped is not asked for again, as on NFS: no passthrough here, which could hang its reader for good',
};
