/**
 * Makes the nodes of a mirror anew of the records that another process has left (realfs/node-keeper.ts), under the same ids.
 *
 * A node is looked up by its name in its parent, and is found where the same object lies there. A file without a name is reached by
 * its kept descriptor, an open one that the host has given another name in its directory (logrotate(8) does) by its inode number. What others
 * have moved or removed else is found no more: requests for it are ESTALE, upon which the kernel looks its name up again.
 * DEVIATION: a file that is open, and that the host removes or moves elsewhere, is reached by its opener's backing file alone after that.
 */

import { check, FsError } from '../../errno/fs-error.js';
import { AT_EMPTY_PATH, O_DIRECTORY, O_RDONLY } from '../../linux/constants.js';
import { readEntries } from '../../linux/files/directory.js';
import { close, openat } from '../../linux/files/open.js';
import { Statx, statx } from '../../linux/files/statx.js';
import { type LeftBehind, openStateIn, REMOVED, type RestoredNodes } from '../../realfs/node-keeper.js';
import type { Name } from '../../vfs/name.js';
import { type NodeId, ROOT_NODE } from '../../vfs/node-id.js';
import type { NodeRecord } from '../../vfs/node-records.js';
import type { MirrorFileSystem } from './mirror-file-system.js';
import { describeObject, MIRROR_STATX, type MirrorNode, objectIdentity } from './mirror-node.js';

/** PRECONDITION: the mirror was just made and is served by nobody. */
export function restoreMirror(mirror: MirrorFileSystem, left: LeftBehind): RestoredNodes {
  return new RestoringMirror(mirror, left).run();
}

class RestoringMirror {
  readonly #mirror: MirrorFileSystem;
  readonly #left: LeftBehind;
  readonly #records: ReadonlyMap<NodeId, NodeRecord>;
  readonly #lost = new Set<NodeId>();
  readonly #usedOrphans = new Set<number>();
  readonly #stat = new Statx();
  readonly #object = { ino: 0, layer: 0 } as NodeRecord;
  #renamed = false;

  constructor(mirror: MirrorFileSystem, left: LeftBehind) {
    this.#mirror = mirror;
    this.#left = left;
    this.#records = new Map(left.records);
  }

  run(): RestoredNodes {
    const { table } = this.#mirror;
    let last = this.#left.nextId - 1;
    let nodes = 0;
    const lost: Name[] = [];
    for (const [id, record] of this.#records) {
      last = Math.max(last, id);
      if (id === ROOT_NODE || (record.nlookup === 0 && record.openCount === 0)) continue;
      if (this.#nodeOf(id) === undefined) lost.push(record.name);
      else nodes++;
    }
    table.continueFrom((last + 1) as NodeId);
    for (const [id, fd] of this.#left.orphans) if (!this.#usedOrphans.has(id)) close(fd);
    return { nodes, lost, renamed: this.#renamed };
  }

  #nodeOf(id: NodeId): MirrorNode | undefined {
    const { table } = this.#mirror;
    const known = table.byId(id);
    if (known !== undefined || this.#lost.has(id)) return known;
    const record = this.#records.get(id);
    const parent = record && this.#nodeOf(record.parent as NodeId);
    const made = parent?.isDirectory === true ? this.#make(id, record!, parent) : undefined;
    if (made === undefined) this.#lost.add(id);
    else {
      made.nlookup = record!.nlookup;
      if (!made.isDirectory) this.#resumeOpens(made, record!);
    }
    return made;
  }

  #make(id: NodeId, record: NodeRecord, parent: MirrorNode): MirrorNode | undefined {
    try {
      if ((record.bits & REMOVED) !== 0) return this.#removed(id, record, parent);
      const made = this.#named(id, record, { directory: parent, name: record.name });
      const other = made === undefined ? this.#otherEnd(record) : undefined;
      const directory = other && this.#nodeOf(other.parent);
      if (other === undefined || directory?.isDirectory !== true)
        return made ?? (record.openCount > 0 ? this.#renamedByHost(id, record, parent) : undefined);
      const moved = this.#named(id, record, { directory, name: other.name });
      if (moved !== undefined) this.#renamed = true;
      return moved;
    } catch (error) {
      if (error instanceof FsError) return undefined;
      throw error;
    }
  }

  #named(
    id: NodeId,
    record: NodeRecord,
    { directory, name }: { readonly directory: MirrorNode; readonly name: Name },
  ): MirrorNode | undefined {
    const { table } = this.#mirror;
    const stat = this.#stat;
    if (table.lookAt(directory, name, stat) < 0) return undefined;
    const node = this.#ofObject(id, record);
    if (node !== undefined) table.setName(node, directory, name);
    return node;
  }

  /** An open file by the name that it has got in its directory. @throws FsError */
  #renamedByHost(id: NodeId, record: NodeRecord, directory: MirrorNode): MirrorNode | undefined {
    const from = this.#mirror.table.descriptor(directory);
    const fd = check(openat(from, '.', O_RDONLY | O_DIRECTORY), 'open', record.name);
    const names: Name[] = [];
    try {
      check(
        readEntries(fd, (name, ino) => {
          if (ino === record.ino) names.push(name);
        }),
        'getdents64',
        record.name,
      );
    } finally {
      close(fd);
    }
    for (const name of names) {
      const node = this.#named(id, record, { directory, name });
      if (node !== undefined) return node;
    }
    return undefined;
  }

  #removed(id: NodeId, record: NodeRecord, parent: MirrorNode): MirrorNode | undefined {
    const { table } = this.#mirror;
    const fd = this.#left.orphans.get(id) ?? -1;
    if (fd < 0 || statx(fd, '', AT_EMPTY_PATH, MIRROR_STATX, this.#stat) < 0) return undefined;
    const node = this.#ofObject(id, record);
    if (node === undefined) return undefined;
    this.#usedOrphans.add(id);
    node.removed = true;
    table.setName(node, parent, record.name);
    table.adoptPinned(node, fd, undefined);
    return node;
  }

  /** A node for what `#stat` shows, where that is the object that the record is of. */
  #ofObject(id: NodeId, { ino, layer: mark }: NodeRecord): MirrorNode | undefined {
    const { table } = this.#mirror;
    const key = objectIdentity(this.#stat);
    describeObject(key, this.#object);
    if (this.#object.ino !== ino || this.#object.layer !== mark || table.find(key) !== undefined)
      return undefined;
    table.continueFrom(id);
    const node = table.make(key);
    node.mode = this.#stat.mode;
    return node;
  }

  #otherEnd({ parent, name }: NodeRecord): { readonly parent: NodeId; readonly name: Name } | undefined {
    const ends = this.#left.rename;
    const at = ends?.findIndex((end) => end.parent === parent && end.name === name) ?? -1;
    return at < 0 ? undefined : ends![1 - at];
  }

  #resumeOpens(node: MirrorNode, record: NodeRecord): void {
    const opens = openStateIn(record);
    if (opens.isBlank) return;
    this.#mirror.files.resume(node, opens);
    if (opens.openCount === 0) return;
    try {
      // The host may take its name away at any time.
      this.#mirror.table.descriptor(node);
    } catch (error) {
      // It just has.
      if (!(error instanceof FsError)) throw error;
    }
  }
}
