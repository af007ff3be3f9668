/** Why an operation failed, in words that lead to what has to be changed: the option that makes a place read-only, the limit that is reached. */

import {
  EACCES,
  EBUSY,
  EDQUOT,
  EIO,
  EMFILE,
  ENFILE,
  ENOMEM,
  ENOSPC,
  EPERM,
  EROFS,
  ETIMEDOUT,
  EXDEV,
} from '../../../errno/errno.js';
import { StoreView } from '../../../store/store-view.js';
import { readVolume } from '../../../store/volume-record.js';
import { displayName, type Name } from '../../../vfs/name.js';
import type { ResolvedMount, VolumeId } from '../../config/mount-config.js';

interface FailedPlace {
  /** Within the mount, text. */
  readonly path: string;
  /** What is mounted there over the union; undefined: the union itself. */
  readonly mount: ResolvedMount | undefined;
  /** The upper of the union; undefined: there is none. */
  readonly upper: Name | undefined;
  readonly isUnionReadOnly: boolean;
  /** What is mounted at the path, or below it. */
  readonly over: readonly ResolvedMount[];
}

/** What is mounted at the path or below, the nearest first. */
export function mountsFrom(
  served: readonly { readonly mount: ResolvedMount }[],
  path: string,
): ResolvedMount[] {
  return served
    .map(({ mount }) => mount)
    .filter(({ request: { target } }) => target === path || target.startsWith(`${path}/`))
    .sort((one, other) => one.request.target.length - other.request.target.length);
}

export function failureCause(errno: number, place: FailedPlace): string {
  const { mount } = place;
  switch (errno) {
    case EROFS:
      return mount === undefined ? readOnlyUnion(place) : readOnlyMount(place.path, mount);
    case ENOSPC:
      return mount === undefined ? fullDisk(place) : fullMount(mount);
    case EDQUOT:
      return `a disk quota is reached: of the file system of ${storageOf(place)}`;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return 'the user or the daemon has as much open or in use as is allowed';
    case EPERM:
    case EACCES:
      return refusedByDisk(place);
    case EBUSY:
      return busyPoint(place);
    case EXDEV:
      return acrossMounts(place);
    case ETIMEDOUT:
    case EIO:
      return failedStorage(place);
    default:
      return '';
  }
}

function readOnlyUnion({ upper, isUnionReadOnly, path }: FailedPlace): string {
  if (upper === undefined) return `'${path}' is read-only: the mount has no upper`;
  return isUnionReadOnly
    ? `'${path}' is read-only: the mount is`
    : `the file system of upper '${displayName(upper)}' is read-only`;
}

function readOnlyMount(path: string, mount: ResolvedMount): string {
  const { request } = mount;
  if (request.readOnly) return `'${path}' is ro through ${optionOf(mount)}`;
  return `the file system of ${sourceOf(mount)} is read-only`;
}

function fullMount(mount: ResolvedMount): string {
  const { request } = mount;
  if (request.type === 'tmpfs' && request.sizeBytes !== undefined)
    return `the size of ${optionOf(mount)} is reached`;
  const size = mount.volume && sizeOfVolume(mount.volume);
  if (size !== undefined) return `size=${size} of ${sourceOf(mount)} is reached`;
  return `the file system of ${sourceOf(mount)} is full`;
}

/** As its options have it. */
function sizeOfVolume({ root, name }: VolumeId): string | undefined {
  return readVolume(new StoreView(root), name)?.options.size;
}

function fullDisk(place: FailedPlace): string {
  return `the file system of ${storageOf(place)} is full`;
}

function refusedByDisk(place: FailedPlace): string {
  return `the file system of ${storageOf(place)} refuses it: immutable or append-only (lsattr), or more than whoever mounted may do`;
}

function busyPoint({ path, over }: FailedPlace): string {
  const [point] = over;
  if (point === undefined) return `'${path}' is in use`;
  const isHere = point.request.target === path;
  return `'${path}' ${isHere ? 'is' : 'holds'} the mount point of ${optionOf(point)}`;
}

function acrossMounts({ path, mount }: FailedPlace): string {
  if (mount !== undefined)
    return `'${path}' is of ${sourceOf(mount)}, the other name is not: nothing is renamed or linked across mounts`;
  return `the other name of '${path}' lies in another mount, or it is a directory of a layer and redirect_dir is off`;
}

function failedStorage(place: FailedPlace): string {
  const { mount } = place;
  if (mount?.remote === undefined) return `the storage of ${storageOf(place)} fails`;
  return `the storage of ${sourceOf(mount)} (${mount.remote.type}) fails or does not answer`;
}

function storageOf({ mount, upper }: FailedPlace): string {
  if (mount !== undefined) return sourceOf(mount);
  return upper === undefined ? 'a layer' : `upper '${displayName(upper)}'`;
}

function sourceOf({ request, volume, hostPath }: ResolvedMount): string {
  if (volume !== undefined) return `volume ${volume.name}`;
  if (request.type === 'tmpfs') return `the tmpfs at '${request.target}'`;
  return hostPath === undefined ? `'${request.spec}'` : `'${displayName(hostPath)}'`;
}

const OPTIONS = { v: '-v', mount: '--mount', tmpfs: '--tmpfs' } as const;

/** As it was typed. */
function optionOf({ request, via }: ResolvedMount): string {
  return via ?? `${OPTIONS[request.origin]} ${request.spec}`;
}
