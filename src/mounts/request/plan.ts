/**
 * The plan of a command's mounts: all requests together, each target once, in an order in which they can be attached.
 *
 * Precedence between sources of mounts (image VOLUME, --volumes-from, -v, --mount) is settled before by whoever knows
 * them; within one command two mounts on one target are a mistake, as in Docker.
 */

import { UserError } from '../../errno/user-error.js';
import { mountKindOf } from './kinds/mount-kinds.js';
import type { Exists, MountRequest } from './types.js';

/**
 * The requests, shallower targets first (equal depth: the order given), binds with their `sourceType`.
 *
 * A missing source with `createSource` counts as a directory; the caller makes it.
 * @throws UserError for a duplicate target, a missing bind source, or a target below a bound file.
 */
export function planMounts(requests: readonly MountRequest[], exists: Exists): MountRequest[] {
  const taken = new Set<string>();
  for (const { target } of requests) {
    if (taken.has(target)) throw new UserError(`Duplicate mount point: ${target}`);
    taken.add(target);
  }
  const planned = requests
    .map((request) => mountKindOf(request).plan(request, exists))
    .sort((a, b) => depth(a.target) - depth(b.target));
  const files = planned.filter((request) => mountKindOf(request).isFile(request));
  for (const file of files) {
    const below = planned.find((request) => request.target.startsWith(`${file.target}/`));
    if (below) {
      throw new UserError(
        `invalid mount path: '${below.target}' lies below '${file.target}', where the file '${file.source}' is mounted`,
      );
    }
  }
  return planned;
}

/** What all requests have to say to the user, each text once. */
export function collectNotices(requests: readonly MountRequest[]): string[] {
  return [...new Set(requests.flatMap((request) => request.notices))];
}

function depth(target: string): number {
  return target.split('/').length;
}
