/** `cp`: between the host and a container, running or not. */

import { decompress } from '../../archive/compress/decompress.js';
import { writeOutput } from '../../archive/streams/output-file.js';
import { TarReader } from '../../archive/tar/reader.js';
import { EROFS } from '../../errno/errno.js';
import { isErrno } from '../../errno/fs-error.js';
import { UserError } from '../../errno/user-error.js';
import type { Owners } from '../../realfs/tree-copy/policy.js';
import type { ContainerRecord } from '../../store/container-record.js';
import type { Store } from '../../store/store.js';
import { resolveContainer } from '../record/find.js';
import { noteContainer } from '../record/note-container.js';
import { assertKept, openRootOf } from '../tree/open-root.js';
import { copyPath } from './copy-path.js';
import { copyPolicy } from './copy-policy.js';
import { containerTree, type FileTree, findParent, findSource, findTarget, hostTree } from './copy-target.js';
import { checkEndpoints, parseEndpoint } from './endpoints.js';
import { TarTarget } from './tar-in.js';
import { tarOf } from './tar-out.js';

interface CopyBetweenOptions {
  /** `-a`: owners and extended attributes as they are. */
  readonly archive: boolean;
  /** `-L` */
  readonly followLink: boolean;
}

/** @throws UserError */
export async function copyBetween(
  store: Store,
  from: string,
  to: string,
  options: CopyBetweenOptions,
): Promise<void> {
  if (from === '') throw new UserError('source can not be empty');
  if (to === '') throw new UserError('destination can not be empty');
  const source = parseEndpoint(from);
  const target = parseEndpoint(to);
  checkEndpoints(source, target);
  const record = resolveContainer(store, source.container ?? target.container ?? '');
  const inside = source.container === undefined ? target.path : source.path;
  if (target.container !== undefined) assertKept(store, record, inside);
  await using root = await openRootOf(store, record, inside);
  const tree = containerTree(root.fd, record.name);
  if (target.container === undefined && target.path === '-') await writeTar(tree, source.path, options);
  else if (source.container === undefined) {
    try {
      if (source.path === '-') await readTar(tree, target.path, options);
      else copyInto(tree, source.path, target.path, options);
    } catch (error) {
      throw isErrno(error, EROFS) ? readOnly(record, target.path, error) : error;
    }
  } else {
    copyPath({
      from: tree,
      source: source.path,
      to: hostTree(process.cwd()),
      target: target.path,
      followLink: options.followLink,
      owners: options.archive ? 'keep' : undefined,
    });
  }
  noteContainer(store, record, source.container === undefined ? 'extract-to-dir' : 'archive-path');
}

function copyInto(tree: FileTree, source: string, target: string, options: CopyBetweenOptions): void {
  copyPath({
    from: hostTree(process.cwd()),
    source,
    to: tree,
    target,
    followLink: options.followLink,
    owners: ownersInside(options),
  });
}

function readOnly({ name, readOnly: isRoot }: ContainerRecord, path: string, cause: unknown): UserError {
  const what = isRoot ? 'container rootfs' : 'mounted volume';
  return new UserError(`cannot copy to '${path}' of container '${name}': ${what} is marked read-only`, {
    cause,
  });
}

async function writeTar(tree: FileTree, path: string, { followLink }: CopyBetweenOptions): Promise<void> {
  using source = findSource(tree, path, { followLink });
  if (source.isDirectory) {
    // As Docker calls them: './a' of 'srv/.'.
    const whole = path.endsWith('/.') ? '.' : '';
    const shownName = source.contentOnly ? whole : source.shownName;
    return await writeOutput(undefined, tarOf({ directoryFd: source.directoryFd, name: '', shownName }));
  }
  using parent = findParent(tree, path, { followLink });
  return await writeOutput(undefined, tarOf({ ...parent, shownName: source.shownName }));
}

async function readTar(tree: FileTree, path: string, options: CopyBetweenOptions): Promise<void> {
  // An error says so when it is no directory.
  findTarget(tree, path.endsWith('/') ? path : `${path}/`).place[Symbol.dispose]();
  const sink = new TarTarget(tree, path, copyPolicy(ownersOfTar()), {
    keepsXattrs: options.archive,
    conflicts: 'refuse',
  });
  const reader = new TarReader(sink);
  const { chunks } = await decompress(process.stdin as AsyncIterable<Buffer>);
  for await (const chunk of chunks) reader.write(chunk);
  reader.finish({ wantsEnd: false });
  sink.finish();
}

/** Docker keeps the owners that a tar names. */
function ownersOfTar(): Owners {
  return process.geteuid?.() === 0 ? 'keep' : undefined;
}

/** Docker gives what comes in to root. */
function ownersInside({ archive }: CopyBetweenOptions): Owners {
  if (archive) return 'keep';
  return process.geteuid?.() === 0 ? { uid: 0, gid: 0 } : undefined;
}
