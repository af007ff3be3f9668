/** Attaches the user's mounts over the tree of a container, in the order and manner that planNamespace() gives. */

import { ENOENT } from '../../../errno/errno.js';
import { check, FsError } from '../../../errno/fs-error.js';
import {
  O_NOFOLLOW,
  O_PATH,
  RESOLVE_BENEATH,
  RESOLVE_NO_SYMLINKS,
  S_IFDIR,
  STATX_MNT_ID,
} from '../../../linux/constants.js';
import { close, openat2 } from '../../../linux/open.js';
import { fstatx, Statx } from '../../../linux/statx.js';
import { type Name, nameFromText } from '../../../vfs/name.js';
import type { AttachedMount, NamespaceMount } from '../order.js';
import type { Candidate } from './clone-source.js';
import { type Placed, planNamespace, type Step } from './plan-namespace.js';
import { cannotMount, type RootTree, typeOf } from './root-tree.js';

export interface PlacedMount extends Placed {
  readonly mount: NamespaceMount;
  readonly fd: number | undefined;
}

/** Below these a target is what it says: what the image has there is hidden by the kernel's. */
export const KERNELS = /^\/(?:dev|proc|sys)(?:\/|$)/;

/**
 * Where the mounts go; those that the tree does not show (their source is gone) are left out.
 * PRECONDITION: nothing but the tree is mounted below the root yet.
 * @throws FsError
 */
export function placeMounts(tree: RootTree, candidates: readonly Candidate[]): PlacedMount[] {
  return candidates.flatMap(({ mount, fd, isFollowed }) => {
    const target = nameFromText(mount.target);
    const found = tree.find(target);
    if (found === undefined) return [];
    const place = KERNELS.test(mount.target) ? target : found.place;
    return {
      mount,
      fd,
      place,
      isFollowed,
      isDirectory: found.isDirectory,
      canAttach: fd !== undefined,
      isScratch: mount.source.kind === 'tmpfs',
      has: (inside: Name, isDirectory: boolean) => fd !== undefined && hasPoint(fd, inside, isDirectory),
    };
  });
}

function hasPoint(fd: number, inside: Name, isDirectory: boolean): boolean {
  const found = openat2(fd, inside, O_PATH | O_NOFOLLOW, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
  if (found < 0) return false;
  const fits = (typeOf(found) === S_IFDIR) === isDirectory;
  close(found);
  return fits;
}

export interface Attachments {
  /** Attaches those at the given places. @throws UserError */
  at(places: readonly Name[]): void;
  /** Attaches all the others. @throws UserError */
  except(places: readonly Name[]): void;
  readonly attached: readonly AttachedMount[];
}

/**
 * What is to be attached; nothing is yet, but what the tree shows is held where it will be hidden.
 * @param ours places where plyfs mounts something itself.
 * @throws FsError
 */
export function prepareMounts(
  tree: RootTree,
  placed: readonly PlacedMount[],
  ours: readonly Name[],
): Attachments {
  const waiting = planNamespace(placed, ours).map((step) => ({
    step,
    fd: step.how === 'attach' ? step.item.fd! : tree.graft(step.item.place),
  }));
  const attached: AttachedMount[] = [];
  const take = (isMeant: (place: Name) => boolean) => {
    for (const { step, fd } of waiting.filter((one) => isMeant(one.step.item.place))) {
      const { mount, isScratch } = step.item;
      attached.push({ target: mount.target, mountId: attachStep(tree, step, fd), isScratch });
    }
  };
  return {
    attached,
    at: (places) => take((place) => places.includes(place)),
    except: (places) => take((place) => !places.includes(place)),
  };
}

/** @returns the id of the mount. @throws UserError */
function attachStep(tree: RootTree, { item, makesPoint }: Step<PlacedMount>, fd: number): number {
  const { place, isDirectory, mount } = item;
  try {
    if (makesPoint) tree.makePoint(place, isDirectory);
    tree.attach(fd, place);
    return mountIdOf(fd);
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    const hint = error.errno === ENOENT ? 'the kernel has no such name there' : undefined;
    throw cannotMount(mount.spec, place, { errno: error.errno, hint });
  }
}

/** @throws FsError */
export function mountIdOf(fd: number): number {
  const stat = new Statx();
  check(fstatx(fd, STATX_MNT_ID, stat), 'stat');
  return stat.mountId;
}
