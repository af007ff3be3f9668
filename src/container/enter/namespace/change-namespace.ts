/**
 * Mounts one more in the mount namespace of a running command, or takes one away there. The tree shows the change already;
 * this is about what the kernel has mounted over it.
 *
 * PRECONDITION: a process of one purpose: it ends in the container's namespace.
 */

import { readFileSync } from 'node:fs';
import { ENOENT } from '../../../errno/errno.js';
import { check, FsError } from '../../../errno/fs-error.js';
import { UserError } from '../../../errno/user-error.js';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  O_DIRECTORY,
  O_PATH,
  O_RDONLY,
  OPEN_TREE_CLONE,
  S_IFDIR,
} from '../../../linux/constants.js';
import { close, openat } from '../../../linux/files/open.js';
import { openTree } from '../../../linux/mounts/mount.js';
import { type MountEntry, parseMountinfo } from '../../../linux/mounts/mountinfo.js';
import { displayName, type Name, nameFromText } from '../../../vfs/name.js';
import type { AttachedMount, MountIds, NamespaceMount } from '../enter-request.js';
import type { ChangeRequest } from './change-request.js';
import { type Candidate, cloneSource } from './clone-source.js';
import { joinMounts } from './join-mounts.js';
import { KERNELS, mountIdOf, mountIdsOf } from './namespace-attachments.js';
import {
  cannotMount,
  cloneTree,
  detachAt,
  openDescriptors,
  openRootTree,
  RootTree,
  typeOf,
} from './root-tree.js';

/** @returns what the kernel has mounted there now. @throws UserError, FsError */
export function changeNamespace(request: ChangeRequest): AttachedMount[] {
  const { pid, add, remove, attached, root } = request;
  const descriptorsFd = openDescriptors();
  const procFd = check(openat(AT_FDCWD, '/proc', O_PATH | O_DIRECTORY), 'open', '/proc');
  const candidate = add === undefined ? undefined : cloneSource(add, request);
  const shownFd = add === undefined ? undefined : cloneShown(root, add, descriptorsFd);
  joinMounts(pid);
  const namespace = new RunningNamespace({ descriptorsFd, procFd, attached });
  if (remove !== undefined) namespace.remove(remove);
  if (candidate !== undefined) namespace.add(candidate, shownFd);
  return namespace.attached();
}

/** What the tree shows at the target, from the host's side, where nothing hides it; undefined without privilege. */
function cloneShown(root: string, { target }: NamespaceMount, descriptorsFd: number): number | undefined {
  const rootFd = check(openat(AT_FDCWD, nameFromText(root), O_PATH | O_DIRECTORY), 'open', root);
  const found = new RootTree(rootFd, descriptorsFd).open(nameFromText(target), O_PATH);
  close(rootFd);
  const fd = openTree(check(found, 'open', target), '', OPEN_TREE_CLONE | AT_EMPTY_PATH);
  close(found);
  return fd < 0 ? undefined : fd;
}

interface NamespaceParts {
  readonly descriptorsFd: number;
  /** The host's /proc. */
  readonly procFd: number;
  readonly attached: readonly AttachedMount[];
}

class RunningNamespace {
  readonly #tree: RootTree;
  readonly #parts: NamespaceParts;
  #attached: readonly AttachedMount[];

  constructor(parts: NamespaceParts) {
    this.#tree = openRootTree(parts.descriptorsFd);
    this.#parts = parts;
    this.#attached = parts.attached;
  }

  /** Those that are still there: a privileged process of the container may have unmounted some. */
  attached(): AttachedMount[] {
    return this.#attached.filter((one) => this.#pathOf(one) !== undefined);
  }

  /** Whoever has something open in it keeps it. @throws FsError */
  remove(target: string): void {
    const found = this.#attached.find((one) => one.target === target);
    const place = found && this.#pathOf(found);
    if (found !== undefined && place !== undefined) this.#detach(found, place);
    this.#attached = this.#attached.filter((one) => one !== found);
  }

  /** @param shownFd what the tree shows there. @throws UserError, FsError */
  add({ mount, fd, isFollowed }: Candidate, shownFd: number | undefined): void {
    const target = nameFromText(mount.target);
    for (;;) {
      const found = this.#tree.find(target);
      const isShown = found !== undefined && this.#isTree(found.place);
      if (isShown && !KERNELS.test(mount.target) && (fd === undefined || isFollowed)) return;
      const mountFd = fd ?? shownFd;
      const holder = this.#holderOf(target);
      if (mountFd !== undefined && (found !== undefined || holder.makesPoints)) {
        if (found === undefined)
          this.#tree.makePoint(holder.inside, { isDirectory: typeOf(mountFd) === S_IFDIR });
        this.#attach(mount, found?.place ?? holder.inside, mountFd);
        return;
      }
      if (holder.mount === undefined) throw cannotMount(mount.spec, target, { errno: ENOENT });
      this.#demote(holder.mount);
    }
  }

  #attach(mount: NamespaceMount, place: Name, fd: number): void {
    try {
      this.#tree.attach(fd, place);
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
      throw cannotMount(mount.spec, place, { errno: error.errno });
    }
    const isScratch = mount.source.kind === 'tmpfs';
    this.#attached = [...this.#attached, { target: mount.target, ...mountIdsOf(fd), isScratch }];
  }

  /** The mount that has no mount point for a target, and where the target is in it. */
  #holderOf(target: Name): {
    readonly mount: AttachedMount | undefined;
    readonly makesPoints: boolean;
    readonly inside: Name;
  } {
    const names = target.split('/').slice(1);
    for (let known = names.length - 1; known >= 0; known--) {
      const found = this.#tree.find(`/${names.slice(0, known).join('/')}`);
      if (found === undefined) continue;
      const there = this.#idsAt(found.place);
      const mount = this.#attached.find((one) => isOneMount(one, there));
      const isDev = mount === undefined && /^\/dev(?:\/|$)/.test(found.place);
      const inside = [found.place === '/' ? '' : found.place, ...names.slice(known)].join('/');
      return { mount, makesPoints: mount?.isScratch ?? isDev, inside };
    }
    throw new UserError(`the root of the container is gone`);
  }

  /** Leaves to the tree what the kernel has mounted, since there is no mount point in it; what lies inside stays. */
  #demote(holder: AttachedMount): void {
    const place = this.#pathOf(holder);
    if (place === undefined) throw new UserError(`the mount at '${holder.target}' is gone`);
    const inside = this.#attached.flatMap((one) => {
      const at = one === holder ? undefined : this.#pathOf(one);
      return at?.startsWith(`${place}/`) === true ? [{ one, at }] : [];
    });
    const kept = inside
      .toSorted((a, b) => a.at.length - b.at.length)
      .map(({ one, at }) => ({ one, at, fd: this.#clone(at) }));
    this.#detach(holder, place);
    const moved = new Set([holder, ...inside.map(({ one }) => one)]);
    this.#attached = this.#attached.filter((one) => !moved.has(one));
    for (const { one, at, fd } of kept) {
      this.#tree.attach(fd, at);
      this.#attached = [...this.#attached, { ...one, ...mountIdsOf(fd) }];
      close(fd);
    }
  }

  #clone(place: Name): number {
    const fd = check(this.#tree.openPlain(place), 'open', displayName(place));
    const clone = cloneTree(fd, place);
    close(fd);
    return clone;
  }

  #detach({ mountId }: AttachedMount, place: Name): void {
    const fd = check(this.#tree.openPlain(place), 'open', displayName(place));
    try {
      if (mountIdOf(fd) !== mountId) {
        throw new UserError(`cannot unmount '${displayName(place)}': something else is mounted over it`);
      }
      detachAt(fd, this.#parts.descriptorsFd, place);
    } finally {
      close(fd);
    }
  }

  /** Undefined where it is gone: its number may be that of another mount by now. */
  #pathOf(one: AttachedMount): Name | undefined {
    const place = this.#entries().find((entry) => entry.mountId === one.mountId)?.mountpoint;
    if (place === undefined) return undefined;
    const fd = this.#tree.openPlain(place);
    // Something is mounted over it, or over where it is.
    if (fd < 0) return place;
    const shown = mountIdsOf(fd);
    close(fd);
    return shown.mountId !== one.mountId || isOneMount(one, shown) ? place : undefined;
  }

  #idsAt(place: Name): MountIds {
    const fd = check(this.#tree.openPlain(place), 'open', displayName(place));
    const ids = mountIdsOf(fd);
    close(fd);
    return ids;
  }

  #isTree(place: Name): boolean {
    return isOneMount(this.#idsAt(place), this.#idsAt('/'));
  }

  #entries(): MountEntry[] {
    const fd = check(openat(this.#parts.procFd, 'thread-self/mountinfo', O_RDONLY), 'open', 'mountinfo');
    const text = readFileSync(fd, 'latin1');
    close(fd);
    return parseMountinfo(text);
  }
}

function isOneMount(one: MountIds, other: MountIds): boolean {
  const uniqueIds = [one.uniqueId, other.uniqueId];
  if (uniqueIds.includes(undefined)) return one.mountId === other.mountId;
  return one.uniqueId === other.uniqueId;
}
