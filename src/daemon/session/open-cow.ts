/**
 * A bind whose changes do not reach its source (`cow`): the union of the source, which the host goes on changing, and an upper of
 * the mount's own; with `merge` also of what the layers have at its target, below the source.
 */

import { UserError } from '../../errno/user-error.js';
import type { OpenedSource } from '../../mounts/kinds/open-source.js';
import type { BindRequest } from '../../mounts/request/types.js';
import { openUnion } from '../../union/open-union.js';
import { displayName, type Name, nameFromText } from '../../vfs/name.js';
import type { OwnUpper } from '../config/mount-config.js';
import { findInside, type ImageContext, sharedUnionOptions } from './open-image.js';

/** @param source of the bind on the host. @throws UserError, FsError when it cannot be opened. */
export function openCow(
  request: BindRequest,
  source: Name,
  own: OwnUpper | undefined,
  context: ImageContext,
): OpenedSource {
  if (own === undefined && request.cow === true) {
    throw new UserError(`cannot mount '${request.spec}': a mount that stands has no place for its changes`, {
      hint: 'give it when the mount is made, or when the container does not run',
    });
  }
  const isOver = context.mountpoint.startsWith(source === '/' ? '/' : `${source}/`);
  if (isOver && !context.privileged) {
    throw new UserError(
      `cannot mount '${request.spec}': a source that holds the mount point '${displayName(context.mountpoint)}' needs privileges`,
      { hint: 'run plyfs as root' },
    );
  }
  const system = openUnion({
    layers: [...belowTarget(request, context), source],
    upper: own?.upper,
    work: own?.work,
    readOnly: own === undefined,
    passthrough: 'programs',
    live: true,
    ...sharedUnionOptions(context),
  });
  return { system, fileName: undefined };
}

/** @throws UserError when a file lies there. */
function belowTarget({ merge, target, spec }: BindRequest, context: ImageContext): readonly Name[] {
  if (merge !== true) return [];
  const found = findInside(context.layers, nameFromText(target.slice(1)), context.xattrNamespace);
  if (found.file === undefined) return found.directories;
  throw new UserError(`cannot mount '${spec}': '${target}' would be a directory over a file`, {
    hint: 'merge unites directories',
  });
}
