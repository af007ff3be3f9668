/**
 * New objects belong to who asked: the file system ids and the umask of the serving thread follow the caller.
 *
 * Set before the object is made, so that it never exists with another owner. The thread keeps its capabilities when its
 * fsuid changes (SECBIT_NO_SETUID_FIXUP), so the ids need not be set back, and the usual request, by the same caller as
 * the last, costs nothing. What plyfs makes for itself (copies, whiteouts) is given its owner explicitly.
 * INVARIANT: one object for each thread, since the ids are the thread's.
 */

import { umask } from '../linux/inode.js';
import { setfsgid, setfsuid } from '../linux/process.js';
import type { Caller } from '../vfs/caller.js';

export class CallerIds {
  readonly enabled: boolean;
  #uid: number;
  #gid: number;
  #umask = -1;

  /** @param enabled false without privileges: all new objects belong to the serving user. */
  constructor(enabled: boolean) {
    this.enabled = enabled;
    this.#uid = process.geteuid?.() ?? 0;
    this.#gid = process.getegid?.() ?? 0;
  }

  become(caller: Caller, mask: number): void {
    if (mask !== this.#umask) {
      umask(mask);
      this.#umask = mask;
    }
    if (!this.enabled) return;
    if (caller.gid !== this.#gid) {
      setfsgid(caller.gid);
      this.#gid = caller.gid;
    }
    if (caller.uid !== this.#uid) {
      setfsuid(caller.uid);
      this.#uid = caller.uid;
    }
  }
}
