/**
 * Docker's rules for what a copy is called and where it lands; see the table in `docker cp --help`.
 */

import { check } from '../../errno/fs-error.js';
import { UserError } from '../../errno/user-error.js';
import { O_DIRECTORY, O_RDONLY } from '../../linux/constants.js';
import { close, openat } from '../../linux/files/open.js';
import type { Owners } from '../../realfs/tree-copy/policy.js';
import { TreeCopy } from '../../realfs/tree-copy/walk.js';
import { copyPolicy } from './copy-policy.js';
import { type CopyTarget, type FileTree, findSource, findTarget, type Source } from './copy-target.js';

interface CopyPathOptions {
  readonly from: FileTree;
  readonly source: string;
  readonly to: FileTree;
  readonly target: string;
  /** `-L`: the source may be a symlink, whose target is copied. */
  readonly followLink: boolean;
  readonly owners: Owners;
}

/** @throws UserError, FsError; what was copied until then stays. */
export function copyPath(options: CopyPathOptions): void {
  using source = findSource(options.from, options.source, { followLink: options.followLink });
  const target = findTarget(options.to, options.target, { forDirectory: source.isDirectory });
  using place = target.place;
  using copy = new TreeCopy(copyPolicy(options.owners));
  if (!source.isDirectory) {
    const opened = { dirfd: source.directoryFd, name: '' };
    const name = target.kind === 'directory' ? source.shownName : place.name;
    copy.object(opened, { dirfd: place.directoryFd, name });
    return;
  }
  copyDirectory(copy, source, target, options);
}

function copyDirectory(copy: TreeCopy, source: Source, target: CopyTarget, options: CopyPathOptions): void {
  const { place, kind } = target;
  if (kind === 'other')
    throw new UserError(`cannot copy a directory to the file '${options.target}' of ${options.to.label}`);
  const isWhole = !source.contentOnly && source.shownName !== '';
  const opened = { dirfd: source.directoryFd, name: '' };
  const name = kind === 'missing' ? place.name : source.shownName;
  if (kind === 'missing' || isWhole) copy.object(opened, { dirfd: place.directoryFd, name });
  else copyContent(copy, source, target);
}

function copyContent(copy: TreeCopy, source: Source, { place }: CopyTarget): void {
  const from = reopen(source.directoryFd);
  try {
    const into = reopen(place.directoryFd);
    try {
      copy.content(from, into);
    } finally {
      close(into);
    }
  } finally {
    close(from);
  }
}

function reopen(fd: number): number {
  return check(openat(fd, '.', O_RDONLY | O_DIRECTORY), 'open', '.');
}
