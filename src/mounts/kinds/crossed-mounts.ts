/**
 * What is mounted below a source is shown as on the host, with two exceptions, in which the thread that serves all of the mount would
 * wait: plyfs's own mounts, which that thread may serve itself, and in a mount that several users share remote and FUSE file
 * systems, which any of them may mount in a directory of his, and not answer. Told by the device, before anything asks the storage.
 *
 * Remote storage that is a source itself has a thread of its own, and shows all.
 */

import type { Statx } from '../../linux/files/statx.js';
import { readMountinfo } from '../../linux/mounts/mountinfo.js';
import type { MirrorOptions } from '../mirror/mirror-options.js';
import { isRemoteType } from '../remote/remote-types.js';
import { FS_TYPE } from './fs-type.js';
import type { SourceContext } from './open-source.js';

const MINOR_COUNT = 2 ** 20;
/** Known answers; more mounts than anybody has below a source. */
const MAX_KNOWN = 1000;

/** @param root of the source. */
export function crossedMounts(
  root: Statx,
  { isRemote, privileged }: Pick<SourceContext, 'isRemote' | 'privileged'>,
): Pick<MirrorOptions, 'mayCross'> {
  const { dev: own } = root;
  const mayShow = (type: string): boolean => type !== FS_TYPE && !(privileged && isRemoteType(type));
  const ownType = typeOf(own);
  if (isRemote === true || (ownType !== undefined && isRemoteType(ownType))) return {};
  // Numbers of mounts and devices are given out again, hardly both at once.
  const known = new Map<string, boolean>();
  const mayCross = ({ dev, mountId }: Statx): boolean => {
    if (dev === own) return true;
    const key = `${dev}:${mountId}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    // Subvolumes of btrfs have devices that no mount has.
    const type = typeOf(dev);
    const may = type === undefined || mayShow(type);
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(key, may);
    return may;
  };
  return { mayCross };
}

function typeOf(dev: number): string | undefined {
  const device = `${Math.floor(dev / MINOR_COUNT)}:${dev % MINOR_COUNT}`;
  return readMountinfo().find((entry) => entry.device === device)?.type;
}
