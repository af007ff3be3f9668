/**
 * The snapshots of a store, `containerd/ID/`, and what containerd knows them by. Facts are those of containerd's
 * snapshots/storage (v1.6): which states allow what, and what is inherited.
 *
 * INVARIANT: each change is one rename or one record replaced, so that a kill leaves the state before or after it; what is hidden
 * (`.new-ID`, `.gone-ID`) is nobody's. The index in memory follows the disk, which one process alone changes (claimSocket()).
 */

import { chmodSync, chownSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../errno/reason.js';
import { makeDirectories } from '../../linux/files/make-directories.js';
import { namesInFolder, syncDirectory } from '../../store/atomic-file.js';
import { crashPoint } from '../../store/crash-point.js';
import { FOLDER_MODE, isHidden } from '../../store/layout.js';
import { randomHex } from '../../vfs/random-hex.js';
import { SnapshotError } from './snapshot-error.js';
import {
  type ContainerdSnapshot,
  readSnapshot,
  type SnapshotKind,
  writeFirstRecord,
  writeSnapshot,
} from './snapshot-record.js';

interface NewSnapshot {
  readonly kind: Exclude<SnapshotKind, 'committed'>;
  readonly key: string;
  /** Empty: none. */
  readonly parent: string;
  readonly labels: ContainerdSnapshot['labels'];
}

export class SnapshotStore {
  readonly #folder: string;
  readonly #byName = new Map<string, ContainerdSnapshot>();
  /** How many children each name has. */
  readonly #children = new Map<string, number>();

  /** @param log told of records that cannot be read: such snapshots are not there. */
  constructor(root: string, log: (line: string) => void) {
    this.#folder = join(root, 'containerd');
    makeDirectories(this.#folder, FOLDER_MODE);
    for (const id of namesInFolder(this.#folder).filter((name) => !isHidden(name))) {
      try {
        const record = readSnapshot(join(this.#folder, id));
        if (record !== undefined) this.#learn(record);
      } catch (error) {
        log(messageOf(error));
      }
    }
  }

  /** Absolute: `fs`, `work` or `merged` of a snapshot. */
  path({ id }: ContainerdSnapshot, part: 'fs' | 'work' | 'merged'): string {
    return join(this.#folder, id, part);
  }

  /** Absolute paths of what killed servers, and removals, have left. */
  leftovers(): string[] {
    return namesInFolder(this.#folder)
      .filter(isHidden)
      .map((name) => join(this.#folder, name));
  }

  /** @throws SnapshotError when there is none. */
  get(name: string): ContainerdSnapshot {
    const record = this.#byName.get(name);
    if (record === undefined) throw new SnapshotError('not found', `snapshot ${name}`);
    return record;
  }

  all(): ContainerdSnapshot[] {
    return [...this.#byName.values()];
  }

  /** From the parent down to the bottom. */
  parentsOf(record: ContainerdSnapshot): ContainerdSnapshot[] {
    const parents: ContainerdSnapshot[] = [];
    for (let name = record.parent; name !== ''; name = parents.at(-1)!.parent) parents.push(this.get(name));
    return parents;
  }

  /** @throws SnapshotError when the name is taken, or the parent is not there or not committed. */
  create({ kind, key, parent, labels }: NewSnapshot): ContainerdSnapshot {
    this.#refuseTaken(key);
    const above = parent === '' ? undefined : this.get(parent);
    if (above !== undefined && above.kind !== 'committed')
      throw new SnapshotError('invalid argument', `parent ${parent} is not a committed snapshot`);
    const now = new Date().toISOString();
    const id = randomHex(6);
    const record: ContainerdSnapshot = {
      id,
      name: key,
      parent,
      kind,
      labels,
      createdAt: now,
      updatedAt: now,
    };
    const staged = join(this.#folder, `.new-${id}`);
    mkdirSync(staged, { mode: 0o700 });
    for (const part of ['fs', 'work', 'merged']) mkdirSync(join(staged, part), { mode: 0o755 });
    if (above !== undefined) takeRoot(this.path(above, 'fs'), join(staged, 'fs'));
    writeFirstRecord(staged, record);
    crashPoint();
    renameSync(staged, join(this.#folder, id));
    syncDirectory(this.#folder);
    crashPoint();
    this.#learn(record);
    return record;
  }

  /** The active snapshot becomes a committed one of another name. Labels are not inherited. @throws SnapshotError */
  commit(
    key: string,
    { name, labels, usage }: Required<Pick<ContainerdSnapshot, 'name' | 'labels' | 'usage'>>,
  ): void {
    this.checkCommit(key, name);
    const { id, parent } = this.get(key);
    const now = new Date().toISOString();
    const committed = {
      id,
      name,
      parent,
      kind: 'committed',
      labels,
      createdAt: now,
      updatedAt: now,
      usage,
    } as const;
    writeSnapshot(join(this.#folder, id), committed);
    crashPoint();
    this.#forget(key);
    this.#learn(committed);
  }

  /** @throws SnapshotError when `commit()` would fail. */
  checkCommit(key: string, name: string): void {
    const { kind } = this.get(key);
    if (kind !== 'active') throw new SnapshotError('failed precondition', `snapshot ${key} is not active`);
    this.#refuseTaken(name);
  }

  /** @throws SnapshotError when there is none. @returns it as it is now. */
  relabel(name: string, labels: ContainerdSnapshot['labels']): ContainerdSnapshot {
    const record = { ...this.get(name), labels, updatedAt: new Date().toISOString() };
    writeSnapshot(join(this.#folder, record.id), record);
    crashPoint();
    this.#byName.set(name, record);
    return record;
  }

  /** @throws SnapshotError when `remove()` would fail. */
  checkRemove(name: string): ContainerdSnapshot {
    const record = this.get(name);
    if ((this.#children.get(name) ?? 0) > 0)
      throw new SnapshotError('failed precondition', `cannot remove snapshot ${name}: it has a child`);
    return record;
  }

  /** Its name goes; what it held is one of `leftovers()`. PRECONDITION: nothing of it is mounted. @throws SnapshotError */
  remove(name: string): void {
    const { id } = this.checkRemove(name);
    renameSync(join(this.#folder, id), join(this.#folder, `.gone-${id}`));
    syncDirectory(this.#folder);
    crashPoint();
    this.#forget(name);
  }

  #refuseTaken(name: string): void {
    if (name === '') throw new SnapshotError('invalid argument', 'a snapshot without a name');
    if (this.#byName.has(name)) throw new SnapshotError('already exists', `snapshot ${name}`);
  }

  #learn(record: ContainerdSnapshot): void {
    this.#byName.set(record.name, record);
    if (record.parent !== '') this.#children.set(record.parent, (this.#children.get(record.parent) ?? 0) + 1);
  }

  #forget(name: string): void {
    const { parent } = this.get(name);
    this.#byName.delete(name);
    const left = (this.#children.get(parent) ?? 0) - 1;
    if (left > 0) this.#children.set(parent, left);
    else this.#children.delete(parent);
  }
}

/** The root of a union is that of the topmost layer. */
function takeRoot(from: string, to: string): void {
  const { uid, gid, mode } = statSync(from);
  chownSync(to, uid, gid);
  chmodSync(to, mode & 0o7777);
}
