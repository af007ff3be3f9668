/**
 * A mount point, mounted on and unmounted whatever somebody puts at its path meanwhile: a symlink there or on the way moves
 * neither mount(2) nor umount2(2) elsewhere.
 *
 * Until it is mounted on, the directory is held by descriptor: its name may change in the moment of the mount (rename(2) within a
 * directory takes no lock that mount(2) takes). Afterwards nothing is held: a descriptor of the directory keeps the disk that it
 * lies on busy, one of what is mounted keeps that busy. The mount is known by its id, whose path the kernel tells, and the
 * directory above by its inode.
 */

import { readFileSync, readlinkSync } from 'node:fs';
import { EINVAL, ELOOP, ENOENT, ENOSYS, ENOTDIR, ESTALE } from '../../errno/errno.js';
import type { Name } from '../../vfs/name.js';
import {
  AT_FDCWD,
  MNT_DETACH,
  MS_REMOUNT,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  RESOLVE_NO_SYMLINKS,
  STATX_INO,
  UMOUNT_NOFOLLOW,
} from '../constants.js';
import { close, openat, openat2 } from '../files/open.js';
import { fstatx, Statx } from '../files/statx.js';
import { mount, umount2 } from './mount.js';
import { readMountinfo } from './mountinfo.js';

interface MountKind {
  readonly source: Name;
  readonly type: Name;
  /** MS_* */
  readonly flags: number;
  readonly data: Name;
}

export class HeldMountPoint implements Disposable {
  readonly #path: Name;
  readonly #fd: number;

  private constructor(path: Name, fd: number) {
    this.#path = path;
    this.#fd = fd;
  }

  /** @param path absolute, free of symlinks: one there is -ELOOP or -ENOTDIR. @returns the place, or a negative errno. */
  static at(path: Name): HeldMountPoint | number {
    const fd = openPlain(path);
    return fd < 0 ? fd : new HeldMountPoint(path, fd);
  }

  /** Mounts there. -ELOOP when it had lost its name by then: it is not mounted. */
  mount({ source, type, flags, data }: MountKind): number {
    const result = mount(source, `/proc/self/fd/${this.#fd}`, type, flags, data);
    if (result < 0 || (flags & MS_REMOUNT) !== 0 || nameOf(this.#fd) === nameOfPath(this.#path))
      return result;
    this.#unmount(MNT_DETACH);
    return -ELOOP;
  }

  /** What was mounted there last, to be unmounted later; a negative errno where nothing is. */
  mounted(): MountedPlace | number {
    const aboveFd = openat(this.#fd, '..', O_PATH | O_DIRECTORY);
    if (aboveFd < 0) return aboveFd;
    const above = identityOf(aboveFd);
    const below = mountIdOf(this.#fd);
    let result: MountedPlace | number = -EINVAL;
    for (
      let tries = 0;
      typeof result === 'number' && typeof above !== 'number' && tries < MAX_TRIES;
      tries++
    ) {
      // Its name may change once more, by a rename(2) that was under way; a look-up of the name ends in what is mounted.
      const fd = openat(aboveFd, nameOf(this.#fd), O_PATH | O_DIRECTORY | O_NOFOLLOW);
      if (fd < 0) continue;
      const mountId = mountIdOf(fd);
      close(fd);
      if (mountId !== below) result = new MountedPlace(mountId, above);
    }
    close(aboveFd);
    return typeof above === 'number' ? above : result;
  }

  #unmount(flags: number): number {
    const aboveFd = openat(this.#fd, '..', O_PATH | O_DIRECTORY);
    if (aboveFd < 0) return aboveFd;
    let name: Name;
    let result: number;
    do {
      name = nameOf(this.#fd);
      result = unmountIn(aboveFd, name, flags);
    } while (result < 0 && nameOf(this.#fd) !== name);
    close(aboveFd);
    return result;
  }

  [Symbol.dispose](): void {
    close(this.#fd);
  }
}

interface Identity {
  readonly dev: number;
  readonly ino: number;
}

/** A mount of ours, whatever its path is by now. */
export class MountedPlace {
  readonly #mountId: number;
  readonly #above: Identity;

  constructor(mountId: number, above: Identity) {
    this.#mountId = mountId;
    this.#above = above;
  }

  /** MNT_* in `flags`. -EINVAL when it is mounted no more; -ESTALE when something else has come to its path. */
  unmount(flags: number): number {
    let result = -EINVAL;
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const entry = readMountinfo().find(({ mountId }) => mountId === this.#mountId);
      if (entry === undefined) return -EINVAL;
      result = unmountAt(entry.mountpoint, flags, this.#above);
      // Moved between the two: its path is another by now.
      if (![-EINVAL, -ELOOP, -ENOTDIR, -ENOENT, -ESTALE].includes(result)) return result;
    }
    return result;
  }
}

/** How often a path is followed that somebody moves about all the time. */
const MAX_TRIES = 1000;

/** Asks no file system, which may not be served yet. */
function mountIdOf(fd: number): number {
  const text = readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1');
  return Number(/^mnt_id:\s*(\d+)$/m.exec(text)?.[1]);
}

function identityOf(fd: number): Identity | number {
  const found = new Statx();
  const result = fstatx(fd, STATX_INO, found);
  return result < 0 ? result : { dev: found.dev, ino: found.ino };
}

/** umount2(2) of a path free of symlinks, which never follows one; in the directory `above`, where that is known. */
export function unmountAt(path: Name, flags: number, above?: Identity): number {
  const aboveFd = openPlain(path.slice(0, path.lastIndexOf('/')) || '/');
  if (aboveFd < 0) return aboveFd;
  const found = above === undefined ? undefined : identityOf(aboveFd);
  let result = typeof found === 'number' ? found : 0;
  if (typeof found === 'object' && (found.dev !== above?.dev || found.ino !== above.ino)) result = -ESTALE;
  if (result === 0) result = unmountIn(aboveFd, nameOfPath(path), flags);
  close(aboveFd);
  return result;
}

function unmountIn(aboveFd: number, name: Name, flags: number): number {
  return umount2(`/proc/self/fd/${aboveFd}/${name}`, flags | UMOUNT_NOFOLLOW);
}

function nameOf(fd: number): Name {
  return nameOfPath(readlinkSync(`/proc/self/fd/${fd}`, 'latin1'));
}

function nameOfPath(path: Name): Name {
  return path.slice(path.lastIndexOf('/') + 1) || '.';
}

/** Other options for the mount at a path free of symlinks; MS_* with MS_REMOUNT in `flags`. */
export function changeMount(path: Name, flags: number): number {
  const place = HeldMountPoint.at(path);
  if (typeof place === 'number') return place;
  using held = place;
  return held.mount({ source: '', type: '', flags, data: '' });
}

function openPlain(path: Name): number {
  const fd = openat2(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0, RESOLVE_NO_SYMLINKS);
  return fd === -ENOSYS ? walkPlain(path) : fd;
}

/** Before Linux 5.6. */
function walkPlain(path: Name): number {
  let fd = openat(AT_FDCWD, '/', O_PATH | O_DIRECTORY);
  for (const part of path.split('/')) {
    if (part === '' || fd < 0) continue;
    const next = part === '..' ? -ENOTDIR : openat(fd, part, O_PATH | O_DIRECTORY | O_NOFOLLOW);
    close(fd);
    fd = next;
  }
  return fd;
}
