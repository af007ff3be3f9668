/** `cp`: between the host and a container, running or not. */

import { EROFS } from '../../errno/errno.js';
import { isErrno } from '../../errno/fs-error.js';
import { UserError } from '../../errno/user-error.js';
import { decompress } from '../../image/decompress.js';
import { writeOutput } from '../../image/output.js';
import { TarReader } from '../../image/tar/reader.js';
import type { ContainerRecord } from '../../store/container-record.js';
import type { Store } from '../../store/store.js';
import { resolveContainer } from '../find.js';
import { openRootOf } from '../open-root.js';
import { ObjectCopy, type Owners } from './copy-objects.js';
import { copyPath } from './copy-path.js';
import { checkEndpoints, parseEndpoint } from './endpoints.js';
import { containerTree, findParent, findSource, findTarget, hostTree, type Tree } from './place.js';
import { TarTarget } from './tar-in.js';
import { tarOf } from './tar-out.js';

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
  const inside = source.container === undefined ? target.path : source.path;
  await using root = await openRootOf(store, record, inside);
  const tree = containerTree(root.fd, record.name);
  if (target.container === undefined && target.path === '-') return await writeTar(tree, source.path, ways);
  if (source.container === undefined) {
    try {
      if (source.path === '-') await readTar(tree, target.path, ways);
      else copyInto(tree, source.path, target.path, ways);
    } catch (error) {
      throw isErrno(error, EROFS) ? readOnly(record, target.path, error) : error;
    }
  } else {
    copyPath({
      from: tree,
      source: source.path,
      to: hostTree(process.cwd()),
      target: target.path,
      followLink: ways.followLink,
      owners: ways.archive ? 'keep' : undefined,
    });
  }
}

function copyInto(tree: Tree, source: string, target: string, ways: CopyWays): void {
  copyPath({
    from: hostTree(process.cwd()),
    source,
    to: tree,
    target,
    followLink: ways.followLink,
    owners: ownersInside(ways),
  });
}

function readOnly({ name, readOnly: isRoot }: ContainerRecord, path: string, cause: unknown): UserError {
  const what = isRoot ? 'container rootfs' : 'mounted volume';
  return new UserError(`cannot copy to '${path}' of container '${name}': ${what} is marked read-only`, {
    cause,
  });
}

async function writeTar(tree: Tree, path: string, { followLink }: CopyWays): Promise<void> {
  using source = findSource(tree, path, followLink);
  if (source.isDirectory) {
    const shownName = source.contentOnly ? '' : source.shownName;
    return await writeOutput(undefined, tarOf({ directoryFd: source.directoryFd, name: '', shownName }));
  }
  using parent = findParent(tree, path, followLink);
  return await writeOutput(undefined, tarOf({ ...parent, shownName: source.shownName }));
}

async function readTar(tree: Tree, path: string, ways: CopyWays): Promise<void> {
  // An error says so when it is no directory.
  findTarget(tree, path.endsWith('/') ? path : `${path}/`).place[Symbol.dispose]();
  using copy = new ObjectCopy(ownersOfTar());
  const sink = new TarTarget(tree, path, copy, { keepsXattrs: ways.archive, conflicts: 'refuse' });
  const reader = new TarReader(sink);
  const { chunks } = await decompress(process.stdin as AsyncIterable<Buffer>);
  for await (const chunk of chunks) reader.write(chunk);
  reader.finish(false);
  sink.finish();
}

/** Docker keeps the owners that a tar names. */
function ownersOfTar(): Owners {
  return process.geteuid?.() === 0 ? 'keep' : undefined;
}

/** Docker gives what comes in to root. */
function ownersInside({ archive }: CopyWays): Owners {
  if (archive) return 'keep';
  return process.geteuid?.() === 0 ? { uid: 0, gid: 0 } : undefined;
}
