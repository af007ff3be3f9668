/**
 * Where the changes of binds with `cow` go: a folder for each target, with upper and work directory, in the home of the container or
 * in the work directory of the mount.
 */

import { createHash } from 'node:crypto';
import { UserError } from '../../errno/user-error.js';
import type { BindRequest } from '../../mounts/request/types.js';
import type { Name } from '../../vfs/name.js';
import type { OwnUpper, ResolvedMount } from './mount-config.js';

const KEY_DIGITS = 16;

/**
 * @param folder absolute; undefined where nothing can be kept.
 * @throws UserError for a bind that cannot have an upper.
 */
export function withOwnUppers(mounts: readonly ResolvedMount[], folder: Name | undefined): ResolvedMount[] {
  return mounts.map((mount) => {
    const { request, remote } = mount;
    if (request.type !== 'bind' || (request.cow !== true && request.merge !== true)) return mount;
    if (remote !== undefined) {
      const word = request.merge === true ? 'merge' : 'cow';
      throw new UserError(`cannot mount '${request.spec}': ${word} is not for remote storage`, {
        hint: 'what hangs there would hold up all of the mount',
      });
    }
    if (request.cow !== true) return mount;
    if (folder === undefined) {
      throw new UserError(`cannot mount '${request.spec}': its changes need an upper beside which they lie`, {
        hint: 'add --upper DIR',
      });
    }
    return { ...mount, own: ownUpper(folder, request) };
  });
}

/** The folder of one of them. */
export function ownFolder(folder: Name, { target }: Pick<BindRequest, 'target'>): Name {
  const key = createHash('sha256').update(target).digest('hex').slice(0, KEY_DIGITS);
  return `${folder}/${key}`;
}

function ownUpper(folder: Name, request: BindRequest): OwnUpper {
  const home = ownFolder(folder, request);
  return { upper: `${home}/upper`, work: `${home}/work` };
}
