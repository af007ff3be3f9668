/**
 * A chown(2) that keeps both ids, which drops setuid, setgid and capabilities like every other, comes as two requests that
 * do not say what they are: the removal of security.capability, and a setattr that names nothing.
 *
 * The same two come before a write to a file with capabilities, which leaves set-id bits to those who have CAP_FSETID.
 * Before that the kernel asks twice whether there are capabilities, before a chown once, before removexattr(2) never. Linux:
 * fs/inode.c:file_remove_privs_flags(), fs/attr.c:notify_change() v6.18. FUSE takes the change of the mode out before
 * permissions are looked at (fs/fuse/dir.c:fuse_setattr()), so that they are looked at here.
 *
 * The setattr comes alone also before the fallocate and the copied range of any writer, who need not own the file.
 * DEVIATION: while a file is open for writing, a chown that should be EPERM succeeds and changes nothing. Test:
 * test/conformance/suites/set-id.suite.ts, 'while somebody writes to the file'.
 */

import type { RequestHeader } from '../../fuse/messages/request.js';
import { O_ACCMODE, O_RDONLY, S_IFDIR, S_IFMT, S_ISGID, S_ISUID, S_IXGRP } from '../../linux/constants.js';
import { isInGroup } from '../../realfs/caller-status.js';
import { Attr } from '../../vfs/attr.js';
import type { Caller } from '../../vfs/caller.js';
import type { FileSystem } from '../../vfs/file-system.js';
import { NO_NODE, type NodeId } from '../../vfs/node-id.js';

const attr = new Attr();

export class CapabilityRemovals {
  /** Which thread asked last for the capabilities of a file that has some, and how often in a row. */
  #asked: NodeId = NO_NODE;
  #askedBy = 0;
  #times = 0;
  /** The file whose capabilities went last for a write, until its next setattr. */
  #lost: NodeId = NO_NODE;

  /**
   * A file that has capabilities is asked for them. The kernel wants to know whether there are any, and gives no room; for
   * a getxattr(2) it then asks once more, with room (security/commoncap.c:cap_inode_getsecurity()).
   */
  asked({ nodeId, pid }: RequestHeader, room: number): void {
    const goesOn = this.#asked === nodeId && this.#askedBy === pid;
    this.#times = room > 0 ? 0 : goesOn ? this.#times + 1 : 1;
    this.#asked = nodeId;
    this.#askedBy = pid;
  }

  /** Before a removal. @returns whether it belongs to a chown. */
  isForChown({ nodeId, pid }: RequestHeader): boolean {
    return this.#asked === nodeId && this.#askedBy === pid && this.#times === 1;
  }

  /**
   * Those between whose questions another thread's came count as of a chown: that drops too much rather than too little.
   */
  removed({ nodeId, pid }: RequestHeader): void {
    const writes = this.#asked === nodeId && this.#askedBy === pid && this.#times > 1;
    this.#lost = writes ? nodeId : NO_NODE;
    this.#times = 0;
  }

  /** Whether a setattr that names nothing follows the removal for a write. */
  isForWrite(nodeId: NodeId): boolean {
    return this.#lost === nodeId;
  }

  settled(nodeId: NodeId): void {
    if (this.#lost === nodeId) this.#lost = NO_NODE;
  }
}

/** How often each file is open for writing. */
export class Writers {
  readonly #counts = new Map<NodeId, number>();

  opened(nodeId: NodeId, flags: number): void {
    if ((flags & O_ACCMODE) !== O_RDONLY) this.#counts.set(nodeId, (this.#counts.get(nodeId) ?? 0) + 1);
  }

  released(nodeId: NodeId, flags: number): void {
    if ((flags & O_ACCMODE) === O_RDONLY) return;
    const left = (this.#counts.get(nodeId) ?? 1) - 1;
    if (left > 0) this.#counts.set(nodeId, left);
    else this.#counts.delete(nodeId);
  }

  has(nodeId: NodeId): boolean {
    return this.#counts.has(nodeId);
  }
}

/** Whether no set-id bits would go by the hand of one who may not change the mode. */
export function mayDropSetId(fs: FileSystem, nodeId: NodeId, caller: Caller): boolean {
  if (caller.uid === 0) return true;
  fs.getattr(nodeId, undefined, attr);
  const { mode, uid, gid } = attr;
  if (caller.uid === uid || (mode & S_IFMT) === S_IFDIR) return true;
  const losesGroup = (mode & S_ISGID) !== 0 && ((mode & S_IXGRP) !== 0 || !isInGroup(caller, gid));
  return (mode & S_ISUID) === 0 && !losesGroup;
}
