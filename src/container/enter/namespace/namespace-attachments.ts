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
  STATX_MNT_ID_UNIQUE,
} from '../../../linux/constants.js';
import { close, openat2 } from '../../../linux/files/open.js';
import { fstatx, Statx } from '../../../linux/files/statx.js';
import { type Name, nameFromText } from '../../../vfs/name.js';
import type { AttachedMount, MountIds, NamespaceMount } from '../enter-request.js';
import type { Candidate } from './clone-source.js';
import { type NamespaceEntry, type NamespaceStep, type PointType, planNamespace } from './plan-namespace.js';
import { cannotMount, type RootTree, typeOf } from './root-tree.js';

interface NamespacePlannedMount extends NamespaceEntry {
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
export function resolveTargets(tree: RootTree, candidates: readonly Candidate[]): NamespacePlannedMount[] {
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
      has: (inside: Name, type: PointType) => fd !== undefined && hasPoint(fd, inside, type),
    };
  });
}

function hasPoint(fd: number, inside: Name, type: PointType): boolean {
  const found = openat2(fd, inside, O_PATH | O_NOFOLLOW, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
  if (found < 0) return false;
  const fits = (typeOf(found) === S_IFDIR) === (type === 'directory');
  close(found);
  return fits;
}

interface NamespaceAttachments {
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
  placed: readonly NamespacePlannedMount[],
  ours: readonly Name[],
): NamespaceAttachments {
  const waiting = planNamespace(placed, ours).map((step) => ({
    step,
    fd: step.how === 'attach' ? step.item.fd! : tree.graft(step.item.place),
  }));
  const attached: AttachedMount[] = [];
  const take = (isMeant: (place: Name) => boolean) => {
    for (const { step, fd } of waiting.filter((one) => isMeant(one.step.item.place))) {
      const { mount, isScratch } = step.item;
      attached.push({ target: mount.target, ...attachStep(tree, step, fd), isScratch });
    }
  };
  return {
    attached,
    at: (places) => take((place) => places.includes(place)),
    except: (places) => take((place) => !places.includes(place)),
  };
}

/** @throws UserError */
function attachStep(
  tree: RootTree,
  { item, makesPoint }: NamespaceStep<NamespacePlannedMount>,
  fd: number,
): MountIds {
  const { place, isDirectory, mount } = item;
  try {
    if (makesPoint) tree.makePoint(place, { isDirectory });
    tree.attach(fd, place);
    return mountIdsOf(fd);
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    const hint = error.errno === ENOENT ? 'the kernel has no such name there' : undefined;
    throw cannotMount(mount.spec, place, { errno: error.errno, hint });
  }
}

/** The numbers of the mount that the descriptor lies in. @throws FsError */
export function mountIdsOf(fd: number): MountIds {
  const mountId = mountIdOf(fd);
  const stat = new Statx();
  check(fstatx(fd, STATX_MNT_ID_UNIQUE, stat), 'stat');
  return (stat.mask & STATX_MNT_ID_UNIQUE) === 0 ? { mountId } : { mountId, uniqueId: stat.mountId };
}

/** @throws FsError */
export function mountIdOf(fd: number): number {
  const stat = new Statx();
  check(fstatx(fd, STATX_MNT_ID, stat), 'stat');
  return stat.mountId;
}
