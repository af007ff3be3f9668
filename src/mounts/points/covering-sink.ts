/** The listing of a directory that mount points cover in part. */

import type { Entry } from '../../vfs/attr.js';
import type * as vfs from '../../vfs/file-system.js';
import type { Name } from '../../vfs/name.js';
import { type NodeId, nodeId } from '../../vfs/node-id.js';
import type { MountPoint } from './mount-table.js';

/** Passes entries on with their owner in front, but not those that a mount point covers. */
export class CoveringSink implements vfs.DirentSink {
  full = false;
  /** Nodes that were given a reference for an entry that nobody gets. */
  readonly covered: NodeId[] = [];
  #inner: vfs.DirentSink | undefined;
  #owner = 0;
  #points: ReadonlyMap<Name, MountPoint> | undefined;

  begin(inner: vfs.DirentSink, owner: number, points: ReadonlyMap<Name, MountPoint> | undefined): void {
    this.#inner = inner;
    this.#owner = owner;
    this.#points = points;
    this.full = false;
  }

  get plus(): boolean {
    return this.#inner!.plus;
  }

  fits(nameLength: number): boolean {
    if (this.#inner!.fits(nameLength)) return true;
    this.full = true;
    return false;
  }

  add(name: Name, ino: number, type: number, next: number): void {
    if (this.#points?.has(name) !== true) this.#inner!.add(name, ino, type, next);
  }

  addPlus(name: Name, entry: Entry, type: number, next: number): void {
    if (this.#points?.has(name) === true) {
      if (entry.nodeId !== 0) this.covered.push(entry.nodeId);
      return;
    }
    if (entry.nodeId !== 0) entry.nodeId = nodeId(this.#owner, entry.nodeId);
    this.#inner!.addPlus(name, entry, type, next);
  }
}
