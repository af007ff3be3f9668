/** A mirror made anew over the root that another process has had open: wherever its path leads now. */

import { readlinkSync } from 'node:fs';
import { check } from '../../errno/fs-error.js';
import { AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS } from '../../linux/constants.js';
import { Statx, statx } from '../../linux/files/statx.js';
import { descriptorPath } from '../../realfs/real-object.js';
import type { Name } from '../../vfs/name.js';
import type { MirrorFileSystem } from '../mirror/mirror-file-system.js';
import { Quota } from '../mirror/quota.js';
import type { MountRequest, TmpfsRequest } from '../request/types.js';
import { mirrorOfSource, mirrorOfTmpfs } from './make-mirror.js';
import type { SourceContext } from './open-source.js';
import { bytesBelow, removePrivate } from './private-directory.js';

interface LeftSource {
  /** O_PATH, the mirror's from now on. */
  readonly rootFd: number;
  readonly fileName: Name | undefined;
}

/** @throws FsError */
export function resumeSource(
  request: MountRequest,
  { rootFd, fileName }: LeftSource,
  context: SourceContext,
): MirrorFileSystem {
  if (request.type === 'tmpfs') return resumeTmpfs(request, rootFd, context);
  const stat = new Statx();
  const flags = fileName === undefined ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW;
  const result = statx(rootFd, fileName ?? '', flags, STATX_BASIC_STATS, stat);
  // A single file may be missing for now.
  if (fileName === undefined) check(result, 'statx');
  return mirrorOfSource(request, { rootFd, stat, isOfOneFile: fileName !== undefined }, context);
}

function resumeTmpfs(request: TmpfsRequest, rootFd: number, context: SourceContext): MirrorFileSystem {
  if (context.privileged)
    return mirrorOfTmpfs(request, { rootFd, quota: undefined, onDetach: () => undefined }, context);
  const directory = readlinkSync(descriptorPath(rootFd), 'buffer');
  const quota = request.sizeBytes === undefined ? undefined : new Quota(request.sizeBytes);
  quota?.take(bytesBelow(directory));
  const onDetach = (): void => removePrivate(directory.toString());
  return mirrorOfTmpfs(request, { rootFd, quota, onDetach }, context);
}
