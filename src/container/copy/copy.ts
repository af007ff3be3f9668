/** `cp`: between the host and a container, running or not. */

import type { Store } from '../../store/store.js';
import { resolveContainer } from '../find.js';
import { openRoot } from '../open-root.js';
import type { Owners } from './copy-objects.js';
import { copyPath } from './copy-path.js';
import { checkEndpoints, parseEndpoint } from './endpoints.js';
import { containerTree, hostTree } from './place.js';

export interface CopyWays {
  /** `-a`: owners and extended attributes as they are. */
  readonly archive: boolean;
  /** `-L` */
  readonly followLink: boolean;
}

/** @throws UserError */
export async function copyFiles(store: Store, from: string, to: string, ways: CopyWays): Promise<void> {
  const source = parseEndpoint(from);
  const target = parseEndpoint(to);
  checkEndpoints(source, target);
  const record = resolveContainer(store, source.container ?? target.container ?? '');
  await using root = await openRoot(store, record);
  const tree = containerTree(root.fd, record.name);
  const host = hostTree(process.cwd());
  if (source.container === undefined) {
    copyPath({
      from: host,
      source: source.path,
      to: tree,
      target: target.path,
      followLink: ways.followLink,
      owners: ownersInside(ways),
    });
  } else {
    copyPath({
      from: tree,
      source: source.path,
      to: host,
      target: target.path,
      followLink: ways.followLink,
      owners: ways.archive ? 'keep' : undefined,
    });
  }
}

/** Docker gives what comes in to root. */
function ownersInside({ archive }: CopyWays): Owners {
  if (archive) return 'keep';
  return process.geteuid?.() === 0 ? { uid: 0, gid: 0 } : undefined;
}
