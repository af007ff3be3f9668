/**
 * The store: what plyfs keeps on disk below one root, for commands of several processes at once.
 *
 * INVARIANT: names appear and vanish by one rename; what takes several steps is covered by an Intent. Records are read
 * without a lock (they are replaced as wholes), and changed inside `locked()`, which is synchronous and short: long work
 * (unpacking, copying) happens before it, under a hidden name.
 */

import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EBUSY } from '../errno/errno.js';
import { hasCode } from '../errno/error-code.js';
import { FsError, isErrno } from '../errno/fs-error.js';
import { reasonOf } from '../errno/reason.js';
import { UserError } from '../errno/user-error.js';
import { MNT_DETACH } from '../linux/constants.js';
import { makeDirectories } from '../linux/files/make-directories.js';
import { unmountAt } from '../linux/mounts/held-mount-point.js';
import { readMountinfo } from '../linux/mounts/mountinfo.js';
import { nameFromText } from '../vfs/name.js';
import { randomHex } from '../vfs/random-hex.js';
import { isOwn, syncDirectory } from './atomic-file.js';
import { crashPoint } from './crash-point.js';
import { deleteTree } from './delete-tree.js';
import { discard, Intent, recoverIntent } from './intent.js';
import { FOLDER_MODE, type ObjectKind, OTHERS_BITS, STORE_FOLDERS, type StorePath } from './layout.js';
import { type FileLock, isLockFree, lockFile } from './lock.js';
import { isSmallTree } from './small-tree.js';
import { StoreView } from './store-view.js';

export class Store extends StoreView {
  #lock: FileLock | undefined;
  readonly #intents = new Set<Intent>();
  readonly #sweepElsewhere: ((root: string) => void) | undefined;
  readonly #folders: readonly string[];

  /**
   * @param sweepElsewhere has large trees deleted, which would hold this process up.
   * @param folders those that it has: a store of layers alone is a small one.
   */
  constructor(
    root?: string,
    sweepElsewhere?: (root: string) => void,
    folders: readonly string[] = STORE_FOLDERS,
  ) {
    super(root);
    this.#sweepElsewhere = sweepElsewhere;
    this.#folders = folders;
  }

  /**
   * Runs `change` while no other process changes the store; may be nested. What dead commands left is mended first;
   * what was discarded is deleted after it, without the lock.
   * @throws UserError when the root cannot be written.
   */
  locked<T>(change: () => T): T {
    if (this.#lock !== undefined) return change();
    const taken = this.#take();
    try {
      using lock = taken;
      this.#lock = lock;
      this.#recover();
      return change();
    } finally {
      this.#lock = undefined;
      this.#sweep();
    }
  }

  /**
   * As `locked()`, for who changes only what is there already: where there is no store none is made, and `change` finds nothing.
   */
  lockedIfThere<T>(change: () => T): T {
    return this.isThere ? this.locked(change) : change();
  }

  /** Whether anything was ever put into it. */
  get isThere(): boolean {
    return existsSync(this.path('lock'));
  }

  /**
   * For commands that only read: what dead commands left goes before it is seen. Where the store cannot be written it is left.
   */
  mend(): void {
    try {
      const paths = this.pending().map((name) => this.path('pending', name));
      if (paths.some((path) => isOwn(path) && isLockFree(path))) this.locked(() => undefined);
    } catch (error) {
      if (!(error instanceof UserError) && !hasCode(error, 'EACCES')) throw error;
    }
  }

  /** Steps that undo what is made now, should this process die; see Intent. */
  intend(): Intent {
    // The holder of the lock sweeps when it releases it.
    const sweepAfter = (): void => {
      if (this.#lock === undefined) this.#sweep();
    };
    const intent = this.locked(() => new Intent(this.root, sweepAfter));
    for (const one of this.#intents) if (one.isDone) this.#intents.delete(one);
    this.#intents.add(intent);
    return intent;
  }

  /** This process is about to end: what it has not finished is undone, as its successor would. */
  abandon(): void {
    this.locked(() => {
      for (const intent of this.#intents) intent.carryOut();
    });
  }

  /**
   * A new, empty directory beside the objects of a kind, which no list shows and which vanishes when `intent` is not
   * ended. Move it to its name with `publish()`.
   */
  stage(kind: ObjectKind, intent: Intent): StorePath {
    const path = join(kind, `.new-${randomHex(8)}`);
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

  #take(): FileLock {
    try {
      this.#makeFolders();
      const lock = lockFile(this.path('lock'));
      crashPoint();
      return lock;
    } catch (error) {
      if (error instanceof UserError) throw error;
      throw new UserError(`cannot write the store '${this.root}': ${reasonOf(error)}`, {
        hint: 'choose another place with --root DIR',
        cause: error,
      });
    }
  }

  #makeFolders(): void {
    for (const folder of this.#folders) {
      const path = this.path(folder);
      refuseForeignLink(path);
      if (makeDirectories(path, FOLDER_MODE) !== undefined) chmodSync(path, FOLDER_MODE);
      else closeToOthers(path);
    }
  }

  /** PRECONDITION: locked. */
  #recover(): void {
    for (const name of readdirSync(this.path('pending')))
      recoverIntent(this.root, this.path('pending', name));
  }

  /** Several processes may sweep at once. What cannot be deleted stays for `doctor`. */
  #sweep(): void {
    for (const name of this.trash()) {
      const path = this.path('trash', name);
      try {
        if (this.#sweepElsewhere === undefined || isSmallTree(path)) this.#sweepOne(path);
        else this.#sweepElsewhere(this.root);
      } catch (error) {
        if (!(error instanceof FsError)) throw error;
      }
    }
  }

  #sweepOne(path: string): void {
    try {
      deleteTree(path);
    } catch (error) {
      // What a killed command had mounted there has no name any more, and so no user.
      if (!isErrno(error, EBUSY) || !unmountBelow(path)) throw error;
      deleteTree(path);
    }
  }
}

/** Detaches all that is mounted below `path`, the deepest first. @returns whether there was something. */
function unmountBelow(path: string): boolean {
  const points = readMountinfo()
    .map(({ mountpoint }) => mountpoint)
    .filter((mountpoint) => mountpoint.startsWith(`${nameFromText(path)}/`));
  for (const point of points.toReversed()) unmountAt(point, MNT_DETACH);
  return points.length > 0;
}

/** A folder may be a link to another disk; the content of what somebody else has linked is not ours to delete. @throws UserError */
function refuseForeignLink(path: string): void {
  if (isOwn(path) || !lstatSync(path).isSymbolicLink()) return;
  throw new UserError(`'${path}' is a link that another user has made`, {
    hint: 'use the store as its owner, or choose another place with --root DIR',
  });
}

/** A store of a version that let others through: an image's setuid programs would be theirs to run. */
function closeToOthers(path: string): void {
  const mode = statSync(path).mode & 0o7777;
  if ((mode & OTHERS_BITS) !== 0) chmodSync(path, mode & ~OTHERS_BITS);
}
