/**
 * What an engine must see to, since FUSE_HANDLE_KILLPRIV_V2 leaves set-id bits and capabilities to the server: which of them
 * go, and who may not take them away. It learns from the requests around a change what the change's own does not say.
 * See bare-chown.ts and chown-mode.ts.
 */

import { EPERM } from '../../errno/errno.js';
import * as flag from '../../fuse/abi/abi-flags.js';
import type { SetattrIn } from '../../fuse/messages/decode-attr.js';
import type { RequestHeader } from '../../fuse/messages/request.js';
import { XATTR_NAME_CAPS } from '../../linux/constants.js';
import type { Caller } from '../../vfs/caller.js';
import type { AttrChange, FileSystem } from '../../vfs/file-system.js';
import type { Name } from '../../vfs/name.js';
import type { NodeId } from '../../vfs/node-id.js';
import { CapabilityRemovals, mayDropSetId, Writers } from './bare-chown.js';
import { modeAfterChown } from './chown-mode.js';

/** What a setattr names; one that names nothing is a chown that keeps both ids. */
const FATTR_MEANT =
  flag.FATTR_MODE |
  flag.FATTR_UID |
  flag.FATTR_GID |
  flag.FATTR_SIZE |
  flag.FATTR_ATIME |
  flag.FATTR_MTIME |
  flag.FATTR_KILL_SUIDGID;

interface Setattr {
  readonly setattr: SetattrIn;
  readonly change: AttrChange;
  readonly caller: Caller;
}

export class SetIdPolicy {
  readonly #removals = new CapabilityRemovals();
  readonly #writers = new Writers();

  /** Completes the change. @returns 0, or a negated errno for one that is refused. */
  beforeSetattr(fs: FileSystem, node: NodeId, { setattr: { valid }, change, caller }: Setattr): number {
    change.bareChown = (valid & FATTR_MEANT) === 0 && !this.#removals.isForWrite(node);
    if (change.bareChown && !mayDropSetId(fs, node, caller)) {
      if (!this.#writers.has(node)) return -EPERM;
      change.bareChown = false;
    }
    const isChown = change.bareChown || (valid & (flag.FATTR_UID | flag.FATTR_GID)) !== 0;
    if (isChown && change.mode === undefined) change.mode = modeAfterChown(fs, node, caller);
    return 0;
  }

  afterSetattr(node: NodeId): void {
    this.#removals.settled(node);
  }

  /** Notes an attribute that was found. */
  afterGetxattr(header: RequestHeader, name: Name, room: number): void {
    if (name === XATTR_NAME_CAPS) this.#removals.asked(header, room);
  }

  /** @returns as `beforeSetattr()`. */
  beforeRemovexattr(fs: FileSystem, header: RequestHeader, name: Name, caller: Caller): number {
    const isChown = name === XATTR_NAME_CAPS && this.#removals.isForChown(header);
    return isChown && !mayDropSetId(fs, header.nodeId, caller) ? -EPERM : 0;
  }

  afterRemovexattr(header: RequestHeader, name: Name): void {
    if (name === XATTR_NAME_CAPS) this.#removals.removed(header);
  }

  /** @param flags O_* of the open. */
  opened(node: NodeId, flags: number): void {
    this.#writers.opened(node, flags);
  }

  released(node: NodeId, flags: number): void {
    this.#writers.released(node, flags);
  }
}
