/**
 * As whom the serving thread works: new objects belong to who asked, and what others may change is done as the caller.
 *
 * `become()` sets the file system ids and the umask alone, before an object is made, so that it never exists with
 * another owner; with SECBIT_NO_SETUID_FIXUP the thread keeps its capabilities. `act()` makes the host's kernel decide
 * for a caller other than root as it would without us: his ids, his groups, and none of the capabilities that override
 * permissions but those he has. What plyfs makes for itself (copies, whiteouts) is given its owner explicitly.
 *
 * Nothing is set back between requests of one caller: they cost no syscall.
 * INVARIANT: one object for each thread, since all of this is the thread's.
 */

import { check } from '../errno/fs-error.js';
import { AT_EMPTY_PATH, STATX_GID, STATX_UID } from '../linux/constants.js';
import { umask } from '../linux/files/inode.js';
import { Statx, statx } from '../linux/files/statx.js';
import {
  CAP_CHOWN,
  CAP_DAC_OVERRIDE,
  CAP_DAC_READ_SEARCH,
  CAP_FOWNER,
  CAP_FSETID,
  CAP_LINUX_IMMUTABLE,
  CAP_MKNOD,
  CAP_SYS_RESOURCE,
  setfsgid,
  setfsuid,
} from '../linux/process/process.js';
import { limitCapabilities, setThreadGroups } from '../linux/process/thread-credentials.js';
import type { Caller } from '../vfs/caller.js';
import { type CallerStatus, CallerStatuses, coversOwner } from './caller-status.js';

/** What setfsuid(2) takes from who leaves root (CAP_FS_SET), and the disk space kept for root. */
const OVERRIDING = [
  CAP_CHOWN,
  CAP_DAC_OVERRIDE,
  CAP_DAC_READ_SEARCH,
  CAP_FOWNER,
  CAP_FSETID,
  CAP_LINUX_IMMUTABLE,
  CAP_MKNOD,
  CAP_SYS_RESOURCE,
].reduce((set, capability) => set | (1n << BigInt(capability)), 0n);

const ROOT = 0;

/** Owners as they are stored where the caller's ids are not those of the host. */
interface StoredIds {
  /** Everything shows with one owner, whoever has it on the host: only what the mount shows can decide. */
  readonly squashes: boolean;
  actingUid(uid: number): number;
  actingGid(gid: number): number;
}

export class CallerIds {
  readonly enabled: boolean;
  readonly #statuses = new CallerStatuses();
  readonly #stat = new Statx();
  #uid: number;
  #gid: number;
  #umask = -1;
  /** What is taken from the effective capabilities. */
  #without = 0n;
  #groups: readonly number[] | undefined;

  /** @param enabled false without privileges: all new objects belong to the serving user. */
  constructor({ enabled }: { readonly enabled: boolean }) {
    this.enabled = enabled;
    this.#uid = process.geteuid?.() ?? 0;
    this.#gid = process.getegid?.() ?? 0;
  }

  become(caller: Caller, mask: number): void {
    this.mask(mask);
    if (this.enabled) this.#setIds(caller.uid, caller.gid);
  }

  /** Sets the umask for an object that is made next. */
  mask(mask: number): void {
    if (mask === this.#umask) return;
    umask(mask);
    this.#umask = mask;
  }

  /**
   * From now on the thread may do what the caller may, until `restore()` or another caller.
   * @param fd the object, or the directory of the name, that he wants to work on: capabilities of another user namespace
   * count for some alone. -1 where it does not matter.
   */
  act(caller: Caller, stored: StoredIds | undefined, fd: number): void {
    if (!this.enabled) return;
    const uid = stored === undefined ? caller.uid : stored.actingUid(caller.uid);
    const gid = stored === undefined ? caller.gid : stored.actingGid(caller.gid);
    if (caller.uid === ROOT || stored?.squashes === true) {
      this.restore();
    } else {
      const status = this.#statuses.of(caller);
      // Before the ids: it needs what is taken here.
      this.#setGroups(
        stored === undefined ? status.groups : status.groups.map((one) => stored.actingGid(one)),
      );
      const counts =
        status.namespace === undefined || (stored === undefined && fd >= 0 && this.#covers(status, fd));
      this.#limit(counts ? OVERRIDING & ~status.capabilities : OVERRIDING);
    }
    this.#setIds(uid, gid);
  }

  /** The thread has all its capabilities again. */
  restore(): void {
    if (this.#without !== 0n) this.#limit(0n);
  }

  /** From now on the thread is the daemon's own: before it does something for another file system. */
  reset(): void {
    this.restore();
    this.mask(0);
    if (this.enabled) this.#setIds(process.geteuid?.() ?? 0, process.getegid?.() ?? 0);
  }

  /** Runs something of our own, which needs no permission of the caller's. */
  asSelf<T>(run: () => T): T {
    const without = this.#without;
    this.restore();
    try {
      return run();
    } finally {
      if (without !== 0n) this.#limit(without);
    }
  }

  #covers(status: CallerStatus, fd: number): boolean {
    const found = statx(fd, '', AT_EMPTY_PATH, STATX_UID | STATX_GID, this.#stat);
    return found >= 0 && coversOwner(status, this.#stat.uid, this.#stat.gid);
  }

  #setIds(uid: number, gid: number): void {
    if (gid !== this.#gid) {
      setfsgid(gid);
      this.#gid = gid;
    }
    if (uid !== this.#uid) {
      setfsuid(uid);
      this.#uid = uid;
    }
  }

  #setGroups(groups: readonly number[]): void {
    if (groups === this.#groups || isSame(groups, this.#groups)) return;
    // Refused in a user namespace that may not set groups: there the daemon's are the user's own.
    if (setThreadGroups(groups) === 0) this.#groups = groups;
  }

  #limit(without: bigint): void {
    if (without === this.#without) return;
    check(limitCapabilities(without), 'capset');
    this.#without = without;
  }
}

function isSame(one: readonly number[], other: readonly number[] | undefined): boolean {
  return one.length === other?.length && one.every((gid, index) => gid === other[index]);
}
