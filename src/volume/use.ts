/**
 * Using a volume: whoever reads or writes in it holds a `VolumeUse`, and its storage is mounted while somebody does.
 *
 * The count is kept by the kernel: each user holds a shared flock(2) on the volume's directory, which goes with the
 * process, however that ends. The first user mounts, the last one unmounts; what a killed one left mounted is taken
 * over by the next. `setup.lock` is held while this changes, so that a second user waits until the volume is ready.
 */

import { closeSync, fstatSync, openSync, statSync } from 'node:fs';
import { EAGAIN, EINTR } from '../errno/errno.js';
import { check } from '../errno/fs-error.js';
import { LOCK_EX, LOCK_NB, LOCK_SH } from '../linux/constants.js';
import { flock } from '../linux/files/data.js';
import { isMissing } from '../store/atomic-file.js';
import type { Store } from '../store/store.js';
import { volumeHome } from '../store/volume-home.js';
import { readVolume, type VolumeRecord } from '../store/volume-record.js';
import { backingOf } from './backing/driver-options.js';
import { mountBacking, mountedType, unmountBacking } from './backing/mount-backing.js';
import { assertAnswers, type StorageLook } from './backing/remote-volume.js';
import { undoFilling } from './filling.js';
import { hasOutsideUsers } from './outside-users.js';
import { noSuchVolume } from './volume-names.js';

/** Beside `_data`. */
const SETUP_LOCK = 'setup.lock';

export interface VolumeUse extends Disposable {
  readonly record: VolumeRecord;
  /** Absolute: its `_data`. */
  readonly path: string;
}

/**
 * The use of a process that reads or writes there by itself: its storage has answered, before and after it was mounted.
 * @throws UserError as `reserveVolume()`, or when its storage does not answer.
 */
export function useVolume(store: Store, name: string, look: StorageLook): Promise<VolumeUse> {
  return answering(store, name, { ...look, begin: () => reserveVolume(store, name) });
}

/** As `useVolume()`, and until it ends nobody else begins or ends: for long work that others must not see half-done. */
export function holdVolume(store: Store, name: string, look: StorageLook): Promise<VolumeUse> {
  return answering(store, name, { ...look, begin: () => holdReserved(store, name) });
}

async function answering(
  store: Store,
  name: string,
  { begin, ...look }: StorageLook & { readonly begin: () => VolumeUse },
): Promise<VolumeUse> {
  if (await assertAnswers(store, name, look)) return begin();
  const use = begin();
  try {
    await assertAnswers(store, name, look);
    return use;
  } catch (error) {
    use[Symbol.dispose]();
    throw error;
  }
}

/**
 * The use of a process that does not wait for its storage by itself: it is mounted on return, and may hang.
 * @param prepare runs while no other process begins or ends to use it.
 * @throws UserError `no such volume`, or why its storage cannot be mounted.
 */
export function reserveVolume(store: Store, name: string, prepare?: (use: VolumeUse) => void): VolumeUse {
  const { use, setupFd } = beginUse(store, name);
  try {
    prepare?.(use);
    return use;
  } catch (error) {
    use.endLocked();
    throw error;
  } finally {
    closeSync(setupFd);
  }
}

function holdReserved(store: Store, name: string): VolumeUse {
  const { use, setupFd } = beginUse(store, name);
  return {
    record: use.record,
    path: use.path,
    [Symbol.dispose]: () => {
      use.endLocked();
      closeSync(setupFd);
    },
  };
}

/** `setupFd` is locked, and the caller's to close. */
function beginUse(store: Store, name: string): { readonly use: HeldVolume; readonly setupFd: number } {
  const { homeFd, setupFd } = lockHome(store, name);
  try {
    const record = readVolume(store, name);
    if (record === undefined) throw noSuchVolume(name);
    makeReady(store, record, { alone: isAlone(homeFd) });
    lock(homeFd, LOCK_SH);
    return { use: new HeldVolume(record, store.path(volumeHome(name)), homeFd), setupFd };
  } catch (error) {
    closeSync(homeFd);
    closeSync(setupFd);
    throw error;
  }
}

/**
 * Runs `change` while nobody uses the volume, by other means neither, nor begins to. What a killed user left mounted is unmounted first.
 * PRECONDITION: the store is locked, or the volume could be gone.
 * @param patienceMs how long somebody may begin or end to use it until that counts as use.
 * @returns false when it is in use.
 */
export function whileUnused(
  store: Store,
  name: string,
  change: () => void,
  patienceMs: number = SOON_MS,
): boolean {
  const homeFd = openIfThere(store.path(volumeHome(name)), 'r');
  if (homeFd === undefined) {
    change();
    return true;
  }
  let setupFd: number | undefined;
  try {
    const home = store.path(volumeHome(name));
    setupFd = lockSoon(`${home}/${SETUP_LOCK}`, patienceMs);
    if (setupFd === undefined || !isAlone(homeFd) || hasOutsideUsers(store, name)) return false;
    if (mountedType(home) !== undefined) unmountBacking(home);
    change();
    return true;
  } finally {
    if (setupFd !== undefined) closeSync(setupFd);
    closeSync(homeFd);
  }
}

/**
 * Whether some process uses the volume, or changes that just now. Held for a moment, the locks make no other's question
 * go wrong: all of them are asked under `setup.lock`.
 */
export function isUsed(store: Store, name: string): boolean {
  const home = store.path(volumeHome(name));
  const homeFd = openIfThere(home, 'r');
  if (homeFd === undefined) return false;
  const setupFd = lockSoon(`${home}/${SETUP_LOCK}`);
  try {
    return setupFd === undefined || !isAlone(homeFd) || hasOutsideUsers(store, name);
  } finally {
    if (setupFd !== undefined) closeSync(setupFd);
    closeSync(homeFd);
  }
}

class HeldVolume implements VolumeUse {
  readonly record: VolumeRecord;
  readonly path: string;
  readonly #home: string;
  readonly #homeFd: number;
  #isOver = false;

  constructor(record: VolumeRecord, home: string, homeFd: number) {
    this.record = record;
    this.path = `${home}/_data`;
    this.#home = home;
    this.#homeFd = homeFd;
  }

  [Symbol.dispose](): void {
    if (this.#isOver) return;
    const setupFd = lockSoon(`${this.#home}/${SETUP_LOCK}`);
    if (setupFd !== undefined) {
      this.endLocked();
      closeSync(setupFd);
    }
    this.#close();
  }

  /** PRECONDITION: `setup.lock` is held. */
  endLocked(): void {
    if (this.#isOver) return;
    if (mountedType(this.#home) !== undefined && isAlone(this.#homeFd)) unmountBacking(this.#home);
    this.#close();
  }

  #close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    closeSync(this.#homeFd);
  }
}

/** By the volume's directory, and by those who may change that somebody uses it. */
interface HomeLocks {
  readonly homeFd: number;
  /** Locked. */
  readonly setupFd: number;
}

/** Waits until nobody else begins or ends to use it. @throws UserError `no such volume`. */
function lockHome(store: Store, name: string): HomeLocks {
  const home = store.path(volumeHome(name));
  for (;;) {
    const homeFd = openIfThere(home, 'r');
    const setupFd = homeFd === undefined ? undefined : openIfThere(`${home}/${SETUP_LOCK}`, 'a');
    if (homeFd === undefined) throw noSuchVolume(name);
    if (setupFd !== undefined) {
      lock(setupFd, LOCK_EX);
      if (isStill(homeFd, home)) return { homeFd, setupFd };
      closeSync(setupFd);
    }
    // Removed or renamed while we waited, perhaps made anew.
    closeSync(homeFd);
  }
}

/** PRECONDITION: `setup.lock` is held. */
function makeReady(store: Store, record: VolumeRecord, { alone }: { readonly alone: boolean }): void {
  const home = store.path(volumeHome(record.name));
  const backing = backingOf(record.options);
  if (backing.kind !== 'directory') {
    const type = mountedType(home);
    // Left by a killed user. Its FUSE server may be dead; the kernel's file systems are not.
    const isDoubtful = alone && type?.startsWith('fuse') === true;
    if (isDoubtful) unmountBacking(home);
    if (type === undefined || isDoubtful) mountBacking(`volume '${record.name}'`, home, backing);
  }
  undoFilling(home);
}

/** Whether no other process uses it. Our own shared lock is lost when one does. */
function isAlone(homeFd: number): boolean {
  const result = flock(homeFd, LOCK_EX | LOCK_NB);
  if (result !== -EAGAIN) check(result, 'flock');
  return result >= 0;
}

function lock(fd: number, operation: number): void {
  let result = flock(fd, operation);
  while (result === -EINTR) result = flock(fd, operation);
  check(result, 'flock');
}

const SOON_MS = 2_000;
const POLL_MS = 10;
const nap = new Int32Array(new SharedArrayBuffer(4));

/**
 * The file's lock, when it is free soon. Whoever holds it for longer uses the volume, mounts hanging storage perhaps, and
 * ends using it later: nobody who ends has to wait for that.
 */
function lockSoon(path: string, patienceMs = SOON_MS): number | undefined {
  const fd = openIfThere(path, 'a');
  if (fd === undefined) return undefined;
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const result = flock(fd, LOCK_EX | LOCK_NB);
    if (result >= 0) return fd;
    if (result !== -EAGAIN || Date.now() > deadline) break;
    Atomics.wait(nap, 0, 0, POLL_MS);
  }
  closeSync(fd);
  return undefined;
}

function openIfThere(path: string, flags: 'r' | 'a'): number | undefined {
  try {
    return openSync(path, flags, 0o600);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isStill(fd: number, path: string): boolean {
  const [ours, there] = [fstatSync(fd), statSync(path, { throwIfNoEntry: false })];
  return there !== undefined && ours.ino === there.ino && ours.dev === there.dev;
}
