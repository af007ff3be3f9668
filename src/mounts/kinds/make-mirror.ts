/** The mirrors that mounts are: of a source of the host, and of a tmpfs of our own. */

import type { Statx } from '../../linux/files/statx.js';
import { TTL_FOREVER } from '../../vfs/attr.js';
import { MirrorFileSystem } from '../mirror/mirror-file-system.js';
import type { MirrorOptions } from '../mirror/mirror-options.js';
import { OwnerMap } from '../mirror/owner-map.js';
import type { MountRequest, TmpfsRequest } from '../request/types.js';
import { crossedMounts } from './crossed-mounts.js';
import type { SourceContext } from './open-source.js';

interface MirroredSource {
  /** O_PATH, the mirror's from now on. */
  readonly rootFd: number;
  /** What statx says of the source, whose owner an owner map may be told by. */
  readonly stat: Statx;
  readonly isOfOneFile: boolean;
}

export function mirrorOfSource(
  request: MountRequest,
  { rootFd, stat, isOfOneFile }: MirroredSource,
  context: SourceContext,
): MirrorFileSystem {
  const { owners } = request;
  return new MirrorFileSystem({
    rootFd,
    isOfOneFile,
    readOnly: request.readOnly,
    owners: owners === undefined ? undefined : new OwnerMap(owners, { uid: stat.uid, gid: stat.gid }),
    ttlMs: 0,
    saysAtClose: context.isRemote === true,
    ...crossedMounts(stat, context),
    quota: undefined,
    onDetach: () => undefined,
    callerIds: context.callerIds,
    inodeNumbers: context.inodeNumbers,
    descriptors: context.descriptors,
  });
}

export function mirrorOfTmpfs(
  request: TmpfsRequest,
  { rootFd, quota, onDetach }: Pick<MirrorOptions, 'rootFd' | 'quota' | 'onDetach'>,
  context: SourceContext,
): MirrorFileSystem {
  return new MirrorFileSystem({
    rootFd,
    readOnly: request.readOnly,
    owners: undefined,
    // Nobody else can change it.
    ttlMs: TTL_FOREVER,
    quota,
    onDetach,
    callerIds: context.callerIds,
    inodeNumbers: context.inodeNumbers,
    descriptors: context.descriptors,
  });
}
