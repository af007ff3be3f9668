/**
 * The store: what plyfs keeps on disk below one root, for commands of several processes at once.
 *
 * INVARIANT: names appear and vanish by one rename; what takes several steps is covered by an Intent. Records are read
 * without a lock (they are replaced as wholes), and changed inside `locked()`, which is synchronous and short: long work
 * (unpacking, copying) happens before it, under a hidden name.
 */

import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EBUSY } from '../errno/errno.js';
import { FsError, isErrno } from '../errno/fs-error.js';
import { reasonOf } from '../errno/reason.js';
import { UserError } from '../errno/user-error.js';
import { MNT_DETACH, UMOUNT_NOFOLLOW } from '../linux/constants.js';
import { umount2 } from '../linux/mount.js';
import { readMountinfo } from '../linux/mountinfo.js';
import { nameFromText } from '../vfs/name.js';
import { namesInFolder, syncDirectory } from './atomic-file.js';
import { crashPoint } from './crash-point.js';
import { discard, Intent, recoverIntent } from './intent.js';
import {
  FOLDER_MODE,
  isHidden,
  type ObjectKind,
  OTHERS_BITS,
  STORE_FOLDERS,
  type StorePath,
  stateRoot,
} from './layout.js';
import { type FileLock, lockFile } from './lock.js';
import { removeTree } from './remove-tree.js';

export class Store {
  /** Absolute. */
  readonly root: string;
  private lock: FileLock | undefined;
  private readonly intents = new Set<Intent>();

  constructor(root: string = stateRoot()) {
    this.root = root;
  }

  path(...parts: readonly string[]): string {
    return join(this.root, ...parts);
  }

  /**
   * Runs `change` while no other process changes the store; may be nested. What dead commands left is mended first;
   * what was discarded is deleted after it, without the lock.
   * @throws UserError when the root cannot be written.
   */
  locked<T>(change: () => T): T {
    if (this.lock !== undefined) return change();
    try {
      using lock = this.take();
      this.lock = lock;
      this.recover();
      return change();
    } finally {
      this.lock = undefined;
      this.sweep();
    }
  }

  /** Steps that undo what is made now, should this process die; see Intent. */
  intend(): Intent {
    // Who holds the lock sweeps when it is released.
    const sweepAfter = (): void => {
      if (this.lock === undefined) this.sweep();
    };
    const intent = this.locked(() => new Intent(this.root, sweepAfter));
    for (const one of this.intents) if (one.isDone) this.intents.delete(one);
    this.intents.add(intent);
    return intent;
  }

  /** This process is about to end: what it has not finished is undone, as its successor would. */
  abandon(): void {
    this.locked(() => {
      for (const intent of this.intents) intent.carryOut();
    });
  }

  /**
   * A new, empty directory beside the objects of a kind, which no list shows and which vanishes when `intent` is not
   * ended. Move it to its name with `publish()`.
   */
  stage(kind: ObjectKind, intent: Intent): StorePath {
    const path = join(kind, `.new-${randomBytes(8).toString('hex')}`);
    intent.add({ do: 'remove', path });
    mkdirSync(this.path(path), { mode: FOLDER_MODE });
    crashPoint();
    return path;
  }

  /**
   * Gives what was staged its name. PRECONDITION: its content is on disk, and `to` does not exist.
   * @throws Error ENOTEMPTY or EEXIST when `to` exists.
   */
  publish(from: StorePath, to: StorePath): void {
    renameSync(this.path(from), this.path(to));
    syncDirectory(dirname(this.path(to)));
    crashPoint();
  }

  /** Removes an object: its name at once, its content when the lock is released. PRECONDITION: locked. */
  discard(path: StorePath): void {
    discard(this.root, path);
  }

  /** Names of the objects of a kind, sorted; hidden ones left out. */
  names(kind: ObjectKind): string[] {
    return namesInFolder(this.path(kind))
      .filter((name) => !isHidden(name))
      .sort();
  }

  private take(): FileLock {
    try {
      this.makeFolders();
      const lock = lockFile(this.path('lock'));
      crashPoint();
      return lock;
    } catch (error) {
      throw new UserError(`cannot write the store '${this.root}': ${reasonOf(error)}`, {
        hint: 'choose another place with --root DIR',
        cause: error,
      });
    }
  }

  private makeFolders(): void {
    for (const folder of STORE_FOLDERS) {
      const path = this.path(folder);
      if (mkdirSync(path, { recursive: true, mode: FOLDER_MODE }) !== undefined) chmodSync(path, FOLDER_MODE);
      else closeToOthers(path);
    }
  }

  /** PRECONDITION: locked. */
  private recover(): void {
    for (const name of readdirSync(this.path('pending')))
      recoverIntent(this.root, this.path('pending', name));
  }

  /** Several processes may sweep at once. What cannot be deleted stays for `doctor`. */
  private sweep(): void {
    for (const name of this.trash()) {
      try {
        this.sweepOne(this.path('trash', name));
      } catch (error) {
        if (!(error instanceof FsError)) throw error;
      }
    }
  }

  private sweepOne(path: string): void {
    try {
      removeTree(path);
    } catch (error) {
      // What a killed command had mounted there has no name any more, and so no user.
      if (!isErrno(error, EBUSY) || !unmountBelow(path)) throw error;
      removeTree(path);
    }
  }

  /** Names of what was discarded and is not deleted yet. */
  trash(): string[] {
    return namesInFolder(this.path('trash'));
  }
}

/** Detaches all that is mounted below `path`, the deepest first. @returns whether there was something. */
function unmountBelow(path: string): boolean {
  const points = readMountinfo()
    .map(({ mountpoint }) => mountpoint)
    .filter((mountpoint) => mountpoint.startsWith(`${nameFromText(path)}/`));
  for (const point of points.toReversed()) umount2(point, MNT_DETACH | UMOUNT_NOFOLLOW);
  return points.length > 0;
}

/** A store of a version that let others through: an image's setuid programs would be theirs to run. */
function closeToOthers(path: string): void {
  const mode = statSync(path).mode & 0o7777;
  if ((mode & OTHERS_BITS) !== 0) chmodSync(path, mode & ~OTHERS_BITS);
}
