/** Owner, mode and privileges of nodes: in the inode, or in the attribute where fuse-overlayfs kept them (form/override-stat.ts). */

import { S_ISGID, S_ISUID } from '../../linux/constants.js';
import { Statx } from '../../linux/files/statx.js';
import { killPrivilegesAt, Place, withoutPrivileges } from '../../realfs/real-object.js';
import type { Session } from '../../vfs/file-system.js';
import { applyOverride, changeOverride, type OwnerAndMode } from '../form/override-stat.js';
import type { UnionNode } from './node.js';
import type { NodeObjects } from './node-objects.js';

export class NodeOwners {
  readonly #objects: NodeObjects;
  readonly #at = new Place();
  readonly #found = new Statx();

  constructor(objects: NodeObjects) {
    this.#objects = objects;
  }

  /** Takes away what a write takes from a file: setuid, setgid, capabilities. PRECONDITION: it lies in upper. */
  killPrivileges(node: UnionNode, session: Session | undefined): void {
    const at = this.#at;
    const stat = this.#found;
    const isPlain = node.layer.override === undefined && (node.mode & (S_ISUID | S_ISGID)) === 0;
    if (isPlain && node.lacksCapability) return;
    this.#objects.statNode(node, stat);
    const { mode } = stat;
    this.#objects.locate(node, at);
    const written = { mode, gid: stat.gid, writer: session?.caller };
    const { override } = node.layer;
    if (override !== undefined && applyOverride(at.dirfd, at.name, override, stat)) {
      killPrivilegesAt(at.dirfd, at.name, { ...written, mode: 0 });
      node.mode = withoutPrivileges(written);
      this.changeOverridden(node, { mode: node.mode });
    } else node.mode = killPrivilegesAt(at.dirfd, at.name, written);
    if (node.openState !== undefined) node.openState.hasCapability = false;
    // The kernel keeps the mode that it knew, and would start the program with the old owner's rights.
    if (node.mode !== mode) session?.invalidateAttributes(node.id);
  }

  /** Changes owner and mode where they are kept in an attribute. @returns false for an object that has none. */
  changeOverridden(node: UnionNode, change: OwnerAndMode): boolean {
    const attribute = node.layer.override;
    if (attribute === undefined) return false;
    const stat = this.#found;
    this.#objects.statNode(node, stat);
    this.#objects.locate(node, this.#at);
    const { dirfd, name } = this.#at;
    if (!applyOverride(dirfd, name, attribute, stat)) return false;
    changeOverride({ dirfd, name, attribute }, stat, change);
    return true;
  }
}
