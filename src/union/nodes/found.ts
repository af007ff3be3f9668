/** What a look-up finds. */

import { Statx } from '../../linux/files/statx.js';
import type { Session } from '../../vfs/file-system.js';
import type { Name } from '../../vfs/name.js';

/** What a name of the union leads to: a record that the caller owns and a lookup fills. */
export class Found {
  name: Name = '';
  /** Which of the parent's directories has the topmost object. */
  depth = 0;
  /** The request that may be made to wait for a layer which does not answer; undefined: none may. */
  session: Session | undefined;
  /** The topmost object. */
  readonly stat = new Statx();
}
