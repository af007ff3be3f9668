/**
 * What the union shows otherwise than its layers have it, as options of fuse-overlayfs ask: owners, link counts of directories,
 * no ACLs, no attributes. What lies in upper is as the ids that are stored say.
 *
 * Tried beside fuse-overlayfs 1.10. DEVIATION: a caller whom no range covers gets EOVERFLOW, as on the kernel's idmapped mounts;
 * there his files are stored as nobody's (65534). With mapped owners there are no ACLs, whose ids would mean others.
 */

import { EOVERFLOW } from '../../errno/errno.js';
import { fsError } from '../../errno/fs-error.js';
import { type IdRange, shownId, storedId } from '../../realfs/id-ranges.js';
import type { Caller } from '../../vfs/caller.js';

/** Plain data: it passes through JSON to the daemon. */
export interface PresentationOptions {
  readonly uidmap?: readonly IdRange[];
  readonly gidmap?: readonly IdRange[];
  /** The owner that everything shows, over what a map says. */
  readonly squashUid?: number;
  readonly squashGid?: number;
  /** Directories have one link. */
  readonly staticNlink?: boolean;
  readonly noAcl?: boolean;
  readonly noXattr?: boolean;
}

export class Presentation {
  readonly staticNlink: boolean;
  readonly hasAcls: boolean;
  readonly hasXattrs: boolean;
  readonly #options: PresentationOptions;

  constructor(options: PresentationOptions = {}) {
    this.#options = options;
    this.staticNlink = options.staticNlink === true;
    this.hasXattrs = options.noXattr !== true;
    const { noAcl, uidmap, gidmap } = options;
    this.hasAcls = noAcl !== true && uidmap === undefined && gidmap === undefined;
  }

  shownUid(uid: number): number {
    return this.#options.squashUid ?? shownId(uid, this.#options.uidmap);
  }

  shownGid(gid: number): number {
    return this.#options.squashGid ?? shownId(gid, this.#options.gidmap);
  }

  /** @throws EOVERFLOW for an owner whom no range covers. */
  storedUid(uid: number | undefined): number | undefined {
    return uid === undefined ? undefined : covered(uid, this.#options.uidmap);
  }

  storedGid(gid: number | undefined): number | undefined {
    return gid === undefined ? undefined : covered(gid, this.#options.gidmap);
  }

  /** The owner of what the caller makes. @throws EOVERFLOW */
  creator(caller: Caller): Caller {
    const { uidmap, gidmap } = this.#options;
    if (uidmap === undefined && gidmap === undefined) return caller;
    return { ...caller, uid: covered(caller.uid, uidmap), gid: covered(caller.gid, gidmap) };
  }
}

function covered(id: number, ranges: readonly IdRange[] | undefined): number {
  const found = storedId(id, ranges);
  if (found === undefined) throw fsError(EOVERFLOW, 'chown');
  return found;
}
